"""The reranker: a cross-encoder that says how well a sentence answers a question.

``data`` makes lists of one right and several wrong sentences, ``train`` teaches the network, ``export`` writes the
file that ships. ``make train-reranker`` does all three.
"""
