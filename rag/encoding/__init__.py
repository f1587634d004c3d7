"""Text to vectors and scores: the only folder that knows sentence-transformers, onnxruntime and the GGUF encoder.

Does not know where texts and vectors are stored. Read first: ``packaged_weights.py``, then ``query_encoder.py``.
"""
