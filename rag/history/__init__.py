"""Conversations that stay on this computer: every answer whole, so that its footnotes never move.

Does not know how an answer is made or shown. Read first: ``models.py`` (what is kept), then ``store.py`` (save, list,
search, rename, delete, rate).
"""
