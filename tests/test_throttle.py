"""How often passwords may be tried, on a clock of its own."""

from __future__ import annotations

import tracemalloc

import pytest

from rag.system.throttle import (
    FIRST_WAIT_S,
    FREE_TRIES,
    LONGEST_WAIT_S,
    MOST_KEYS,
    NAME_TRIES,
    NAME_WAIT_S,
    WINDOW_S,
    Throttle,
    network_of,
)

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
DAY_S = 86_400.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def tries_in(throttle: Throttle, clock: Clock, seconds: float, name: str, address: str) -> int:
    """How many wrong passwords are checked for somebody who tries again as soon as it is allowed."""
    end, tries = clock.now + seconds, 0
    while clock.now < end:
        wait = throttle.admit(name, address)
        tries += not wait
        clock.now += wait
    return tries


def test_an_address_has_five_tries_and_then_waits_twice_as_long_each_time(throttle: Throttle, clock: Clock) -> None:
    assert [throttle.admit("ada", HOME) for _ in range(FREE_TRIES)] == [0.0] * FREE_TRIES
    waits = []
    for _ in range(11):
        waits.append(throttle.admit("ada", HOME))
        clock.now += waits[-1]
        assert throttle.admit("ada", HOME) == 0.0
    assert waits[:4] == [4.0, 8.0, 16.0, 32.0]
    assert waits == sorted(waits) and waits[-1] == LONGEST_WAIT_S


def test_another_name_does_not_help(throttle: Throttle) -> None:
    for i in range(FREE_TRIES):
        assert throttle.admit(f"name {i}", HOME) == 0.0
    assert throttle.admit("another", HOME) > 0.0


def test_what_is_refused_makes_the_wait_no_longer(throttle: Throttle, clock: Clock) -> None:
    for _ in range(FREE_TRIES):
        throttle.admit("ada", HOME)
    assert {throttle.admit("ada", HOME) for _ in range(50)} == {FIRST_WAIT_S}
    clock.now += FIRST_WAIT_S
    assert throttle.admit("ada", HOME) == 0.0


def test_many_at_once_are_no_more_than_many_in_turn(throttle: Throttle) -> None:
    """Each counts from the moment in which it is let in, before its password has been checked."""
    assert [throttle.admit("ada", HOME) for _ in range(100)].count(0.0) == FREE_TRIES


def test_a_day_of_guessing_from_one_address(throttle: Throttle, clock: Clock) -> None:
    assert tries_in(throttle, clock, DAY_S, "ada", HOME) < 350


def test_failures_are_forgotten_after_an_hour(throttle: Throttle, clock: Clock) -> None:
    for _ in range(FREE_TRIES):
        throttle.admit("ada", HOME)
    clock.now += WINDOW_S
    assert [throttle.admit("ada", HOME) for _ in range(FREE_TRIES)] == [0.0] * FREE_TRIES


def guessed_elsewhere(throttle: Throttle) -> None:
    for i in range(NAME_TRIES):
        assert throttle.admit("ada", f"203.0.113.{i}") == 0.0


def test_a_name_that_is_guessed_from_many_addresses_costs_each_of_them_a_wait(throttle: Throttle, clock: Clock) -> None:
    guessed_elsewhere(throttle)
    assert throttle.admit("ada", ELSEWHERE) == NAME_WAIT_S
    assert throttle.admit("ben", ELSEWHERE) == 0.0
    assert tries_in(throttle, clock, 300.0, "ada", ELSEWHERE) <= 300.0 / NAME_WAIT_S


def test_strangers_keep_nobody_out_for_longer_than_that_wait(throttle: Throttle, clock: Clock) -> None:
    guessed_elsewhere(throttle)
    assert throttle.admit("ada", HOME) == NAME_WAIT_S
    for i in range(1000):  # they go on, and faster than the owner of the name
        throttle.admit("ada", f"203.0.{i % 250}.{i % 113}")
    clock.now += NAME_WAIT_S
    assert throttle.admit("ada", HOME) == 0.0


def test_who_has_signed_in_here_before_does_not_wait_for_strangers(throttle: Throttle, clock: Clock) -> None:
    throttle.admit("ada", HOME)
    throttle.take_back("ada", HOME, right=True)
    guessed_elsewhere(throttle)
    for _ in range(100):
        throttle.admit("ben", HOME)  # a guesser behind the same address
    assert throttle.admit("ada", HOME) == 0.0
    throttle.take_back("ada", HOME, right=False)
    assert tries_in(throttle, clock, DAY_S, "ada", HOME) < 350  # but is no hole


def test_the_right_password_of_one_does_not_excuse_guesses_at_another(throttle: Throttle) -> None:
    for _ in range(FREE_TRIES):
        throttle.admit("ada", HOME)
        throttle.admit("mallory", HOME)
        throttle.take_back("mallory", HOME, right=True)
    assert throttle.admit("ada", HOME) > 0.0


def test_a_try_that_was_right_or_never_checked_does_not_count(throttle: Throttle) -> None:
    for right in (True, False) * 20:
        assert throttle.admit("ada", HOME) == 0.0
        throttle.take_back("ada", HOME, right)


def test_the_tables_do_not_grow_for_ever(throttle: Throttle, clock: Clock) -> None:
    def flood(begin: int, count: int) -> int:
        for i in range(begin, begin + count):
            clock.now += 0.01
            throttle.admit(f"name {i}", f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}")
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        full = flood(0, 2 * MOST_KEYS)
        assert flood(2 * MOST_KEYS, 6 * MOST_KEYS) < 1.3 * full < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "unix:", False),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same
