"""What is kept of libraries in memory."""

from __future__ import annotations

from rag.ui.recent import Recent


def test_what_was_used_last_stays_as_long_as_there_is_room() -> None:
    kept: Recent[str] = Recent(len, 10)
    for name in "abc":
        kept.keep(name, name * 3)
    assert kept.get("a") == "aaa"
    kept.keep("d", "dd")
    assert [kept.get(name) for name in "abcd"] == ["aaa", None, "ccc", "dd"]
    kept.keep("c", "c" * 8)
    assert [kept.get(name) for name in "acd"] == [None, "c" * 8, "dd"]
    kept.forget("d")
    kept.forget("d")
    assert kept.get("d") is None


def test_one_that_is_larger_than_the_room_stays_while_it_is_used() -> None:
    kept: Recent[str] = Recent(len, 2)
    kept.keep("large", "12345")
    assert kept.get("large") == "12345"
    kept.keep("small", "1")
    assert kept.get("large") is None and kept.get("small") == "1"
