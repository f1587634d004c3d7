"""Footnote beside two programs that answer from papers: the same model, papers and questions; ``make bench-peers``.

environments.py  an environment of its own for each program, never the project's
tool_calls.py    what a small model writes when it means to call a tool, as the calls that clients expect
gateway.py       the address that the programs are given: the model's server, and MiniLM for their embeddings
servers.py       the model's server and the gateway, started and stopped
runners/         one file a program: questions in, answers with their citations out
citation_marks.py  citations in running text, and refusals
asking.py        one program asked all questions, a line for each; goes on where it stopped
scoring.py       the lines to figures
tables.py        the figures in the README and in docs/peers.md
__main__.py      the run
"""
