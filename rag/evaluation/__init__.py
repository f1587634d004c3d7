"""Measuring retrieval, answers and models on data that anyone can have: ``footnote eval``.

Pure, from records to figures:

- ``inputs.py``         collections in the layout of BEIR and files of questions, with located errors
- ``measures.py``       nDCG, recall and reciprocal rank, through ir-measures
- ``scoring.py``        one question and one reply to figures; many of them to rows by type
- ``significance.py``   bootstrap intervals and the paired randomisation test, seeded
- ``generated.py``      questions made from a library by rule
- ``report.py``, ``tables.py``, ``plots.py``  Markdown, JSON, pictures, the table of the README

Running, which takes time:

- ``indexes.py``        the library and the indexes of a collection, kept under ``<home>/eval``
- ``baselines.py``      BM25, vectors of whole abstracts, their fusion
- ``stock.py``          the retriever that a LangChain tutorial builds
- ``retrieval.py``      one collection, all systems
- ``systems.py``        what answers: Footnote, the stock chain, the first sentences of the top paper
- ``answers.py``        one file of questions, all systems
- ``trust.py``          one GGUF on one library and one machine
- ``machine.py``        what the figures were measured on
"""
