"""Fits and trains the weights that ``rag/`` and ``models/`` hold. The program imports none of this."""
