"""The papers that fit and their sentences, best first and numbered, or a refusal.

Writes nothing and knows no language model. Read first: ``gathering.py``, whose ``gather`` is the door of this folder.
"""
