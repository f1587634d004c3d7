"""Broken files made in masses, and what becomes of them: see ``scripts/fuzz_importers.py``."""
