"""Papers ranked for a question: dense and lexical search fused, each a LangChain retriever too; related papers.

Does not know whether a paper answers the question. Read first: ``ranking.py``; the method is in
``retrievers/fusion.py``.
"""
