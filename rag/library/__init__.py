"""Papers on disk: chunk, store, index, search, browse, import; one library or several.

Does not know questions or answers. Read first: ``library.py``, on top of ``searching.py`` and ``reading.py``; their
parts are in ``storage/``.
"""
