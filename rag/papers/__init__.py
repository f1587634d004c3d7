"""Records from files and into files: importers, the identity of a paper, bibliographies, revisions by hand.

Knows no vectors and no library on disk. Read first: ``importers/__init__.py``, the list of the formats.
"""
