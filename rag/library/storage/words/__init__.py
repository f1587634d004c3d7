"""The word index: segments that never change, a list of those in use, and the search over them.

``segment.py`` is one file of postings, ``building.py`` and ``merging.py`` make them, ``index.py`` searches several as
one, ``updating.py`` keeps them up to the database, ``vocabulary.py`` finds the words near to one.
"""
