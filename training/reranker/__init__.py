"""A cross-encoder that says how well a sentence answers a question: an experiment that can be repeated.

``data`` makes lists of one right and several wrong sentences, ``train`` teaches the network, ``export`` writes it as an
int8 file. After 1,000 steps it added nothing to the figures of ``rag.features`` (benchmarks/LOG.md), so none ships.
"""
