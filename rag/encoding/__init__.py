"""Text to vectors and scores: the only folder that knows sentence-transformers, onnxruntime and the GGUF encoder.

Does not know what the texts are. Read first: ``encoders.py``.
"""
