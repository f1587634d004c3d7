"""How a question is read, taught: its kind, and whether it leans on the turn before.

``make.py`` writes ``questions.jsonl`` and ``pairs.jsonl`` from what was written by hand in this folder, ``fit.py``
fits the weights that ``rag/questions/`` ships. Read ``fields.txt``, ``phrasings.tsv`` and ``written.tsv`` first.
"""
