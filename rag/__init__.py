"""Footnote: questions about a library of paper abstracts, answered offline, a footnote on every sentence.

Each folder imports only those above it. Read ``pipeline.py`` first; docs/architecture.md is the map.

=================  ======================================================================
``system/``        this computer: threads, no connection beyond it, who may sign in
``text/``          strings: words, figures, units, spelling, the roles of sentences
``papers/``        files of papers to records and back, one importer for each format
``encoding/``      texts to vectors and scores
``library/``       papers on disk with their sentences and indexes
``questions/``     what is asked, and of which papers
``retrieval/``     papers ranked by meaning and by words
``evidence/``      the sentences that answer, numbered, or a graded refusal
``survey/``        what is computed over many papers: counts, lists, tables, the map
``generation/``    evidence to text: quotes, the writer, any GGUF
``verification/``  every sentence against the abstract that it cites
``history/``       conversations that are kept, and rated answers
``output/``        answers for people and programs; why an answer came about
``evaluation/``    retrieval, answers and models measured beside baselines
``cli/``           the command line
``ui/``            the page
=================  ======================================================================

``datatypes.py`` and ``errors.py`` are known to all of them; ``config.py``, ``factory.py`` and ``pipeline.py`` put them
together for ``evaluation/``, ``cli/`` and ``ui/``.
"""

__version__ = "0.1.0"
