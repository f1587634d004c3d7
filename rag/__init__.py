"""Footnote: questions about a library of paper abstracts, answered offline, a footnote on every sentence.

Each folder imports only those above it. Read ``pipeline.py`` first; docs/architecture.md is the map.

=================  ==============================================================="""

__version__ = "0.1.0"
