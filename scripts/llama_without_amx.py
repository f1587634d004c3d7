"""Whether the llama.cpp that is installed has no code for AMX: exit code 0, else 1.

GCC 12 compiles that code wrongly, and a prompt of some length then ends the process. The Makefile leaves it out; but
pip may have kept a wheel that was compiled before it did.
"""

from __future__ import annotations

import llama_cpp


def main() -> int:
    """Say what is wrong, if anything is."""
    if "AMX_INT8 = 1" not in llama_cpp.llama_print_system_info().decode():
        return 0
    print("The llama.cpp that pip had kept was compiled with code for AMX, which crashes; it is compiled once more.")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
