"""The writer: the packaged language model taught to answer from sources with footnotes, from raw data to its file."""
