"""The support checker: does an abstract bear out a sentence? Raw data to ``models/support.onnx``.

``data.py`` makes pairs of a claim and an abstract, ``alter.py`` turns true sentences into false ones,
``train.py`` teaches the network, ``export.py`` writes it as int8 ONNX, ``fit.py`` calibrates and measures.
``make train-support`` runs them all.
"""
