"""Strings in, findings out: words, figures, units, names, spelling, the roles and clauses of a sentence.

Knows no paper, no library and no question. Read first: ``tokenization.py``, which says what a word is.
"""
