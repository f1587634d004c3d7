"""This computer and its users: threads, the offline guard, accounts, files that come with the program.

Knows nothing of papers or questions. Read first: ``offline.py``, which refuses every connection beyond the computer.
"""
