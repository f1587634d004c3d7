"""Trains ``models/fit.onnx``, which judges of each paper found whether it is about what is asked."""
