"""The page for an hour: ten users at once over HTTP, and what the server's memory, files and errors do meanwhile."""
