"""Papers on disk: add, update, remove, open, verify; chunking, the indexes, several libraries, imports with a report.

Does not know what is asked of it. Read first: ``library.py``; ``storage/`` has the parts that it is made of.
"""
