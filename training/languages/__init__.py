"""What questions in other languages are read with: see :mod:`training.languages.make`."""
