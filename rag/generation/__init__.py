"""Evidence to text: prompts, the generators (quotes, the writer, any GGUF) and the models of this computer.

Does not judge what it writes. Read first: ``writing.py``, whose ``write`` is the door of this folder.
"""
