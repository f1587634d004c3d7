"""What is asked, and of which papers: a typed question and its history to one ``Reading``.

Finds no papers and judges none. Read first: ``reading.py``, whose ``read`` is the door of this folder.
"""
