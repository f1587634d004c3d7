"""What a sentence does in its abstract, learned from labelled abstracts: ``rag/text/role_weights.npz``."""
