"""samples.db: what is kept, for how long, and that nobody has to look after it."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from yolotui.core.gpus import Gpu, Host
from yolotui.probe import GpuSample, HostSample, Samples
from yolotui.probe.samples import TIDY_EVERY_S
from yolotui.units import DAY_S

START = 1_700_000_000.0 // 60 * 60  # the beginning of a minute


@pytest.fixture
def samples(tmp_path: Path) -> Iterator[Samples]:
    samples = Samples(tmp_path / "samples.db")
    yield samples
    samples.close()


def host_at(at: float, *temperatures: int) -> Host:
    gpus = tuple(
        Gpu(uuid=f"GPU-{index}", index=index, name="", temperature_c=temperature, memory_used_bytes=5, power_w=1.5)
        for index, temperature in enumerate(temperatures or (50,))
    )
    return Host(at=at, gpus=gpus, cpu_percent=12.5, memory_total_bytes=100, memory_available_bytes=60)


def moments(samples: Samples) -> list[float]:
    return [sample.at - START for sample in samples.read("GPU-0", 0.0)]


def test_what_was_recorded_is_read_back_by_card_and_time(samples: Samples) -> None:
    for second in range(3):
        samples.record(host_at(START + second, 50 + second, 70 + second))
    assert samples.read("GPU-1", START + 1) == [
        GpuSample(START + 1, 5, None, 71, 1.5),
        GpuSample(START + 2, 5, None, 72, 1.5),
    ]
    assert samples.read_host(START + 2) == [HostSample(START + 2, 12.5, 100, 60)]
    assert samples.read("GPU-9", 0.0) == []
    assert samples.trouble == ""


def test_the_file_is_private_and_in_wal_mode(samples: Samples) -> None:
    samples.record(host_at(START))
    assert stat.S_IMODE(samples.path.stat().st_mode) == 0o600
    with closing(sqlite3.connect(samples.path)) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_reading_makes_no_file(samples: Samples) -> None:
    assert samples.read("GPU-0", 0.0) == []
    assert not samples.path.exists()


def test_another_process_reads_while_one_writes(samples: Samples) -> None:
    reader = Samples(samples.path)
    samples.record(host_at(START))
    assert moments(reader) == [0.0]
    samples.record(host_at(START + 1))
    assert moments(reader) == [0.0, 1.0]


@pytest.mark.parametrize("suffixes", [("",), ("", "-wal", "-shm"), ("-wal", "-shm")])
def test_a_file_that_is_deleted_while_it_is_open_is_made_anew(samples: Samples, suffixes: tuple[str, ...]) -> None:
    samples.record(host_at(START))
    for suffix in suffixes:
        samples.path.with_name(samples.path.name + suffix).unlink()
    for second in range(1, 4):
        samples.record(host_at(START + second))
    assert moments(samples)[-1] == 3.0
    samples.close()
    assert moments(samples)[-1] == 3.0, "the new file was not kept"


def test_a_damaged_file_is_replaced(samples: Samples) -> None:
    samples.path.write_bytes(b"this is no database" * 1000)
    samples.record(host_at(START))
    assert "not a database" in samples.trouble
    samples.record(host_at(START + 1))
    assert (samples.trouble, moments(samples)) == ("", [1.0])


def test_a_file_that_is_damaged_while_it_is_open_is_replaced(samples: Samples) -> None:
    samples.record(host_at(START))
    samples.close()
    content = samples.path.read_bytes()
    samples.path.write_bytes(content[:200] + b"\xff" * (len(content) - 200))
    samples.read("GPU-0", 0.0)
    for second in range(1, 4):
        samples.record(host_at(START + second))
    assert (samples.trouble, moments(samples)[-1]) == ("", 3.0)


def test_what_can_not_be_written_is_dropped_and_the_file_stays(samples: Samples) -> None:
    samples.record(host_at(START))
    with closing(sqlite3.connect(samples.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        samples.record(host_at(START + 1))
        assert "locked" in samples.trouble
        other.execute("ROLLBACK")
    samples.record(host_at(START + 2))
    assert (samples.trouble, moments(samples)) == ("", [0.0, 2.0])


def test_a_folder_that_is_not_there_is_trouble_and_no_exception(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "missing" / "samples.db")
    samples.record(host_at(START))
    assert "samples.db: " in samples.trouble
    assert samples.read("GPU-0", 0.0) == []


def test_after_a_day_one_a_minute_is_kept_and_after_a_week_none(samples: Samples) -> None:
    for second in (0, 20, 40, 60, 80):
        samples.record(host_at(START + second))
    samples.record(host_at(START + DAY_S - TIDY_EVERY_S))
    assert moments(samples)[:5] == [0, 20, 40, 60, 80]
    samples.record(host_at(START + DAY_S + 70))
    assert moments(samples)[:3] == [0, 60, 80], "what is younger than a day is kept whole"
    samples.record(host_at(START + 7 * DAY_S + 30))
    assert moments(samples)[0] == 60
    assert samples.read_host(0.0)[0].at == START + 60
    samples.record(host_at(START + 20 * DAY_S))
    assert moments(samples) == [20 * DAY_S]


def test_the_file_stops_growing_after_a_week(samples: Samples) -> None:
    """What is written later takes the place of what went: here of one reading in ten minutes."""
    sizes = []
    for week in range(3):
        for second in range(0, 7 * int(DAY_S), int(TIDY_EVERY_S)):
            samples.record(host_at(START + week * 7 * DAY_S + second, 50, 60, 70, 80))
        samples.close()
        sizes.append(samples.path.stat().st_size)
    assert sizes[2] <= 1.05 * sizes[1]
