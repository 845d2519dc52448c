"""The cache of answers never exceeds its size and forgets the least recently used first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboard.cache import ByteCache


def test_an_answer_is_made_once() -> None:
    cache, made = ByteCache(100), []
    for _ in range(3):
        assert cache.get_or_make("a", lambda: made.append(1) or b"abc") == b"abc"  # type: ignore[func-returns-value]  # counts calls
    assert made == [1]


def test_the_least_recently_used_leaves_first() -> None:
    cache = ByteCache(6)
    cache.get_or_make("a", lambda: b"aaa")
    cache.get_or_make("b", lambda: b"bbb")
    cache.get_or_make("a", lambda: b"never")
    cache.get_or_make("c", lambda: b"ccc")
    assert cache.get_or_make("a", lambda: b"new") == b"aaa"
    assert cache.get_or_make("b", lambda: b"new") == b"new"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60))
def test_it_never_holds_more_than_its_size(asked: list[tuple[int, int]]) -> None:
    cache = ByteCache(64)
    for key, length in asked:
        cache.get_or_make(key, lambda length=length: b"x" * length)  # type: ignore[misc]  # binds the loop's value
        assert 0 <= cache.size <= 64
