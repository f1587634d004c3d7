"""Papers to files that other programs read, one module a format.

Each writes what the format has fields for in those fields, reads that back as the importer will, and carries the rest
along (:mod:`rag.papers.carried`), so that a file that is imported again gives the papers as they were.
"""
