"""Conversations that stay on this computer: every answer whole, so that its footnotes never move.

``kept`` (what is kept, as values), ``records`` (an answer as JSON and back), ``database`` (the SQLite file),
``store`` (save, list, search, rename, delete, rate), ``stale`` (what a library that has changed no longer says).
"""
