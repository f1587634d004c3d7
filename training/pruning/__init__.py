"""Trains ``models/pruning.onnx``, which judges which ranked sentences, and which of their words, an answer needs."""
