"""Measures retrieval, answers and models on data with known answers: ``footnote eval``. Needs the extra ``eval``.

No other package imports it. Read first: ``datasets.py`` (what is read), then ``retrieval_evaluation.py``,
``answer_evaluation.py`` and ``trust_card.py``, one for each command.
"""
