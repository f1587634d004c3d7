"""A large library, beside a stock LangChain chain on a part of it: ``make bench-large``.

part.py       the abstracts: from a JSONL file or made, the ten that come later, the questions
state.py      what of a run is done, so that a run that was stopped goes on
steps.py      what is measured, in order
importing.py  an import that is asked while it runs
page.py       the page in a browser
goals.py      the goals, the table, the block of docs/scaling.md
__main__.py   the run
"""
