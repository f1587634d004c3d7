"""The chat page: :func:`rag.ui.server.serve` starts it, :func:`rag.ui.page.build_app` lays it out.

In the order of a question: ``server`` (settings → page on a port), ``page`` (Gradio components and
events), ``conversation`` (one question from waiting in line to the checked answer, without Gradio),
``line`` (who is next), ``render`` (turns → HTML, by way of :mod:`rag.presentation`), ``examples``.
"""
