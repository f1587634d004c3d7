"""Conversations that stay on this computer: every answer whole, so that its footnotes never move.

``records`` (an answer as JSON and back), ``store`` (conversations in SQLite), ``stale`` (what a library
that has changed no longer says).
"""
