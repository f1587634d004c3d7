"""Language models on a server that the user named, one that speaks as OpenAI's does.

Knows nothing of questions and evidence. Read first: ``model_server.py``, which finds out what the server is and lets
its model write; ``exchange.py`` below it sends one request that can be left at any moment, ``replies.py`` reads what
comes, ``faults.py`` says what went wrong and what to do.
"""

from rag.generation.servers.about import About, shown_name
from rag.generation.servers.model_server import ModelServer

__all__ = ["About", "ModelServer", "shown_name"]
