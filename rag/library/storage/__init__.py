"""What a library is made of on disk; :mod:`rag.library.library` puts it together.

``papers.py`` (SQLite, over ``database.py``) holds everything: papers, sentences, passages and their vectors. The vector
index (Chroma) in ``vectors.py`` and the word index in ``words/`` derive from it and can be rebuilt any time.
"""
