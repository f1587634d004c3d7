"""Libraries under torture: processes that are killed, full disks, clocks that jump, two writers at once.

``python -m scripts.torture``; read ``__main__.py`` first. Every part uses the program itself: real files, real indexes,
real processes, and vectors of the real network.
"""
