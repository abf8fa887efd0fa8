"""The audit log in pages, with the rows that have the words that are looked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.builders import ANNA, submission, training
from yolotui.core.jobs import Priority
from yolotui.locations import Home
from yolotui.store import Actor, Store


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    """A queue of two jobs, one of which was put first and held."""
    with Store(home) as store:
        first, second = store.verbs.submit([submission(training("night_n")), submission(training("day%"))], ANNA)
        store.verbs.set_priority([first], Priority.P0, Actor("jonas", 0, "A customer waits"))
        store.verbs.hold([second], Actor("jonas", 0, "100% sure"))
        yield store


def found(store: Store, words: str) -> list[tuple[str, int | None]]:
    return [(event.verb, event.job) for event in store.read.events(words, limit=10)]


def test_pages_go_back_in_time_without_gap_or_double(store: Store):
    everything = [event.id for event in store.read.events(limit=100)]
    assert everything == sorted(everything, reverse=True)
    pages: list[int] = []
    while page := store.read.events(before_id=pages[-1] if pages else None, limit=1):
        pages += [event.id for event in page]
    assert pages == everything
    assert [event.id for event in store.read.events(after_id=everything[1], limit=10)] == everything[:1]


def test_every_word_must_stand_somewhere_whatever_its_case(store: Store):
    assert found(store, "customer jonas NIGHT_N") == [("priority", 1)]
    assert found(store, "customer anna") == []
    assert found(store, "#2 hold") == [("hold", 2)]


def test_signs_that_sql_knows_mean_themselves(store: Store):
    assert found(store, "100%") == [("hold", 2)]
    assert found(store, "night%n") == []
    assert found(store, "' OR 1=1 --") == []
