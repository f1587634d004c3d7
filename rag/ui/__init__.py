"""The page: :func:`rag.ui.server.serve` starts it, :func:`rag.ui.page.build_app` lays it out.

In the order of a question: ``server`` (settings → page on a port), ``page`` (the header and the tabs), ``context``
(what the tabs share), ``ask`` (the Ask tab: conversation, question box, evidence), ``conversation`` (one question
from waiting in line to the checked answer, without Gradio), ``line`` (who is next), ``render`` (turns → HTML, by way
of :mod:`rag.output.presentation_html`, :mod:`rag.output.footnote_html` and :mod:`rag.output.trace_html`),
``examples``. ``tabs/`` has the other tabs and the kept conversations; ``page.css`` and ``page.js`` what moves in the
browser.
"""
