"""Questions to ranked passages: ``fusion.py`` does the work, ``dense``, ``lexical`` and ``hybrid`` are for LangChain.

The view is in modules of its own because importing LangChain takes longer than answering: the pipeline calls
:func:`rag.retrieval.retrievers.fusion.fuse` and never loads it.
"""
