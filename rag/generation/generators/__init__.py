"""Messages to a stream of text: one file per generator, each satisfying :class:`rag.datatypes.Generator`.

Knows nothing of retrieval and of which models are installed. Read first: ``quote.py``, which needs no language model,
then ``llama.py``, which lets a GGUF write through ``engine.py`` (one loaded model, one caller at a time).
"""
