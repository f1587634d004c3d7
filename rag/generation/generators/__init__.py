"""Messages to a stream of text: one file per generator, each satisfying :class:`rag.datatypes.Generator`.

``quote.py`` composes the answer of evidence sentences, without a language model; ``llama.py`` lets a GGUF write
it through llama.cpp. Beside ``llama.py``: ``engine.py`` (one loaded model, one caller at a time),
``grammar.py`` (which sentences may be written), ``filters.py`` (what is not shown), ``threads.py`` (how many
cores are free) and ``llama_chat.py`` (the same engine as a LangChain chat model).
"""
