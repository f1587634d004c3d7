"""Footnote and a stock LangChain chain, measured side by side in one run: ``python -m benchmarks``.

measure.py      runs one process and takes its time and its memory
workload.py     the papers and questions that both sides get, and the ways in which Footnote answers
stock_chain.py  the other side: what a tutorial builds, with the same weights
ours.py         our side where the command line cannot show it: warm questions, the first word
report.py       targets, Markdown and JSON, finding the latest result
readme.py       the figures of the latest result, put into the README
__main__.py     the run
"""
