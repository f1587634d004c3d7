"""Footnote and a stock LangChain chain, measured side by side in one run: ``python -m benchmarks``.

measure.py      runs one process and takes its time and its memory
workload.py     the papers and the questions that both sides get
stock_chain.py  the other side: what a tutorial builds, with the same weights
ours.py         our side where the command line cannot show it: warm questions, the first word
report.py       targets, Markdown and JSON, finding the latest result
__main__.py     the run
"""
