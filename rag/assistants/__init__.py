"""The library as a tool of other assistants, who talk while Footnote vouches for what they say.

Read first: ``library_tools.py``, what such an assistant can do. ``mcp_server.py`` and ``mcp_http.py`` offer it by the
Model Context Protocol, ``langchain.py`` to chains and agents.
"""
