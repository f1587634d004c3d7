"""Texts that make a pattern or a function slow, and how the time grows with their length.

Texts of strangers (imported files, questions, drafts) meet the patterns of ``rag/``, and a pattern whose time grows
with the square of such a text lets one file stop the program. ``find.py`` finds every pattern, ``texts.py`` makes texts
that pump it, ``growth.py`` measures. ``python -m scripts.pump`` prints the table.
"""
