"""Questions in six languages over the shipped library, and what becomes of them: see ``docs/languages.md``."""
