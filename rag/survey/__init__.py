"""What is computed over many papers at once: counts and lists, single records, comparisons, tables, the map.

Knows no language model; every cell and line is read off records. Read first: ``computed.py``, its door.
"""
