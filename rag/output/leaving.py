"""What leaves this computer, for the servers that the user named, in words."""

from __future__ import annotations

from rag.system.offline import is_local
from rag.system.server_address import ServerAddress


def what_leaves(model_host: str = "", vectors: ServerAddress | None = None) -> str:
    """'Questions and evidence go to 10.0.0.5, which you named'; '' where all stays here.

    ``model_host`` is where the model that answers runs, ``vectors`` the server that holds those of the library.
    """
    sent = []
    if not is_local(model_host.strip("[]")):
        sent.append(f"questions and evidence go to {model_host}")
    if vectors is not None and not is_local(vectors.host):
        sent.append(f"the vectors of papers and questions go to {vectors.shown_host}")
    if not sent:
        return ""
    words = " and ".join(sent)
    return f"{words[0].upper()}{words[1:]}, which you named"
