"""Papers, ranked: dense and lexical search fused, each also as a LangChain retriever; the papers near another.

Does not know whether a paper answers. Read first: ``ranking.py``, whose ``rank`` is the door of this folder.
"""
