"""Ranking functions in ``fusion.py``; ``dense``, ``lexical`` and ``hybrid`` wrap them as LangChain retrievers.

These are modules of their own because importing LangChain takes longer than answering: the pipeline calls
:func:`rag.retrieval.retrievers.fusion.fuse` and never imports it.
"""
