"""What this process asks of the C library."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from rag.system.memory import ARENAS

THREADS = """
import ctypes, sys, threading
from rag.system.memory import return_free_memory, share_arenas
if sys.argv[1] == "shared":
    share_arenas()
begin = threading.Barrier(12)
def work():
    begin.wait()
    kept = [bytes(2000) for _ in range(20_000)]
    begin.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
return_free_memory()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def arenas(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", THREADS, how], capture_output=True, text=True, timeout=60, check=True)
    return len(re.findall("<heap nr=", done.stdout))


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has arenas")
def test_threads_share_the_arenas_of_malloc() -> None:
    assert arenas("own") > ARENAS
    assert arenas("shared") <= ARENAS
