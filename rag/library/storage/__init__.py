"""What a library is made of on disk; :mod:`rag.library.library` puts it together.

``papers.py`` (SQLite) holds everything: papers, sentences, passages and their vectors. The vector index (Chroma) in
``vectors.py`` and the word index (BM25) in ``lexicon.py`` are derived from it and can be made again at any time.
"""
