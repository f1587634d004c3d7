"""Answers for people and programs: Markdown, JSON, HTML, the files of ``exports/``, why an answer came about.

Changes no answer. Read first: ``presentation.py``.
"""
