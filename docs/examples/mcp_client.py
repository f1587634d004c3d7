"""One question to a library by the Model Context Protocol, with the client of the package ``mcp``.

python docs/examples/mcp_client.py "Which detectors does the library describe?"
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters

COMMAND = str(Path(sys.executable).parent / "footnote")


async def ask(question: str) -> None:
    """Print the answer, and of each citation the quote and its place in the abstract."""
    server = StdioServerParameters(command=COMMAND, args=["mcp"], env=dict(os.environ))
    async with Client(server) as client:
        result = await client.call_tool("ask", {"question": question})
    print(result.content[0].text)
    for citation in (result.structured_content or {}).get("citations", []):
        place = f"{citation['paper_id']}, {citation['start']} to {citation['end']}"
        print(f"[{citation['number']}] {citation['verdict']}: {citation['quote']} ({place})")


if __name__ == "__main__":
    anyio.run(ask, sys.argv[1])
