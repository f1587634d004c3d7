"""Footnote: questions about a library of paper abstracts, answered offline, a footnote on every sentence."""

__version__ = "0.1.0"
