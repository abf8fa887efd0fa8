"""Whatever is typed: an exit code and a sentence; and where it was refused, nothing is changed."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Shell
from tests.fuzz.mangling import SALT, bounded
from yolotui.cli.main import cli
from yolotui.errors import WrongUse, YolotuiError
from yolotui.jobfile import one_job
from yolotui.jobfile.fields import READERS
from yolotui.jobfile.reading import ASKED
from yolotui.store import Store
from yolotui.tui.keymap import with_keys
from yolotui.ultralytics_args import arguments
from yolotui.units import duration, format_clock, format_duration, moment, size

salt = st.sampled_from([bit.decode(errors="replace") for bit in SALT if len(bit) < 1000])
text = st.text(max_size=30) | salt | st.tuples(salt, st.text(max_size=5), salt).map("".join)
number_like = st.from_regex(r"[-+]?\d{0,25}\.?\d{0,3} ?(h|m|s|d|w|min|GiB|MB|G|kg|:\d\d)?", fullmatch=True)
anything = text | number_like | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(text, max_size=3)
ANSWERS = {0, 1, 2, 3, 4, 5}
# What would wait, start something, or leave the home.
NOT_TYPED = {"demo", "weights", "scheduler", "wait", "completion", "logs", "simulate"}
verbs = st.sampled_from(sorted(cli.verbs.keys() - NOT_TYPED))
words = st.sampled_from(
    ["1", "1-9", "@default", "night", "--json", "--yes", "--dry-run", "--reason", "P0", "--gpus", "--"]
)


@given(anything)
@bounded
def test_durations_and_sizes(value: object) -> None:
    for read in (duration, size):
        with suppress(ValueError):
            assert 0 <= read(value) < 2**63


@given(text | number_like, st.floats(0, 4e9))
@bounded
def test_moments(said: str, now: float) -> None:
    with suppress(ValueError):
        at = moment(said, now, zone=UTC)
        format_clock(at, now, zone=UTC)
        format_duration(at - now)


@given(st.dictionaries(st.sampled_from(["kill", "sort", "quit", "x"]) | text, text | st.just("ctrl+k,x"), max_size=4))
@bounded
def test_keymaps(chosen: dict[str, str]) -> None:
    with suppress(WrongUse):
        with_keys(chosen)


KEYS = sorted({*READERS, *arguments()})


@given(
    st.dictionaries(st.sampled_from(KEYS) | text, text | number_like, max_size=4),
    st.sampled_from(["train", "val", None]),
)
@bounded
def test_key_value_words(tmp_path: Path, pairs: dict[str, str], kind: str | None) -> None:
    data = tmp_path / "d.yaml"
    data.touch()
    options = {"kind": kind} if kind else {}
    with suppress(WrongUse):
        one_job("yolo11n.yaml", str(data), pairs, weights_dir=tmp_path, folder=tmp_path, **options)


@given(st.sampled_from(sorted(READERS)), anything | st.dictionaries(text, anything, max_size=2))
@bounded
def test_every_key_of_a_job(key: str, value: object) -> None:
    with suppress(ValueError):
        READERS[key](value)


@pytest.fixture
def night(shell: Shell, add) -> Shell:
    add("night")
    return shell


def _revision(shell: Shell) -> int:
    with Store(shell.home) as store:
        return store.read.revision()


@given(verbs, st.lists(words | text | st.tuples(st.sampled_from([*ASKED, "epochs"]), text).map("=".join), max_size=4))
@bounded
def test_whatever_is_typed(night: Shell, verb: str, rest: list[str]) -> None:
    before = _revision(night)
    result = night(verb, *(word.replace("\0", "0") for word in rest))
    assert result.exit_code in ANSWERS, result.output
    assert "Traceback" not in result.output
    if result.exit_code > 1:
        assert result.stderr.strip()
        assert _revision(night) == before


@given(st.lists(text | words, min_size=1, max_size=3))
@bounded
def test_whatever_selects_jobs(night: Shell, selectors: list[str]) -> None:
    with Store(night.home) as store, suppress(YolotuiError):
        for selector in selectors:
            assert set(store.read.select(selector)) <= {job.id for job in store.read.jobs()}
