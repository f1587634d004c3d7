"""The page in the browser: from settings to a page on a port, with Gradio.

It sees all of ``rag`` through :mod:`rag.factory`, and nothing below it knows of the page. Read first: ``server.py``,
then ``page.py`` (what is laid out) and ``conversation.py`` (one question, without Gradio). Of every tab a module lays
out and connects components, others do the work (``*_actions.py``, ``chat.py``, ``maps.py``, ``table_maker.py``,
``text_checker.py``) and turn its results into HTML (``render_*.py`` with ``templates/``; a single paragraph needs no
template).
"""
