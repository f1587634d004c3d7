"""Lists of references in the styles of the Citation Style Language (CSL 1.0.2, citationstyles.org).

``finding`` knows where styles are, ``checking`` what a file of one may hold, ``items`` makes a paper what the processor
(citeproc-py) reads, ``processor`` is that processor, ``marks`` its text as plain text, Markdown or HTML. Read first:
``references.py``. Nothing here is imported, and no style is read, before somebody wants a list.
"""
