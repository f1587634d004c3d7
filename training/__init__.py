"""How the fitted figures of ``rag/`` came about. Nothing of the program imports this."""
