"""One program each, run by the Python of its own environment: questions come in as lines, answers go out as lines.

These import the standard library, ``rag.system.offline``, and the one program that they are for.
"""
