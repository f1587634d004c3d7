"""Zotero's own libraries as papers, without an export: from its database, or from the program while it runs.

Both ways give the same :class:`~rag.papers.zotero.items.ZoteroLibrary`, so that one may take the place of the other.
Read first: ``items.py``.
"""
