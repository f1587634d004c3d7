"""Every sentence against what it cites: figures, names, meaning. Pure and deterministic.

Does not know who wrote the sentence. Read first: ``citations.py``, whose ``check`` is the door of this folder.
"""
