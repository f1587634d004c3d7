"""Evidence to text: prompts, the generators (quotes, the writer, any GGUF) and the models of this computer.

Does not judge what it writes. Read first: ``prompting.py``, then ``generators/__init__.py``.
"""
