from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yolotui.telemetry import IncrementalLines, LogTail
from yolotui.telemetry.growing import BLOCK_BYTES, LONGEST_LINE_BYTES
from yolotui.telemetry.log_tail import shown

any_bytes = st.lists(
    st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b"\xc3\xa4", b"\xff", b"\x1b[31m", b"\x1b]0;t\x07", b" "])
)
chunkings = st.lists(any_bytes.map(b"".join), max_size=8)
shared_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@given(chunkings)
@shared_folder
def test_lines_read_in_any_portions_are_the_lines_of_the_whole(tmp_path, chunks):
    path = tmp_path / "file"
    path.unlink(missing_ok=True)
    lines = IncrementalLines(path)
    got: list[str] = []
    for chunk in chunks:
        append(path, chunk)
        got += lines.read()
    whole = b"".join(chunks).split(b"\n")[:-1]
    decodable = [line.removesuffix(b"\r").decode() for line in whole if b"\xff" not in line]
    assert got == decodable


def test_a_missing_file_is_nothing_yet(tmp_path):
    lines = IncrementalLines(tmp_path / "later")
    assert list(lines.read()) == []
    (tmp_path / "later").write_text("a\n")
    assert list(lines.read()) == ["a"]
    assert list(lines.read()) == []
    assert lines.generation == 0


def test_a_pipe_has_nothing_and_nobody_waits_for_its_other_end(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert list(IncrementalLines(tmp_path / "pipe").read()) == []


def test_a_truncated_file_is_read_anew(tmp_path):
    path = tmp_path / "file"
    path.write_text("first\nsecond\nto")
    lines = IncrementalLines(path)
    assert list(lines.read()) == ["first", "second"]
    path.write_text("new\n")
    assert list(lines.read()) == ["new"]
    assert lines.generation == 1


def test_a_replaced_file_is_read_anew_even_when_it_is_longer(tmp_path):
    path = tmp_path / "file"
    path.write_text("first\n")
    lines = IncrementalLines(path)
    assert list(lines.read()) == ["first"]
    (tmp_path / "other").write_text("second\nand third\n")
    (tmp_path / "other").replace(path)
    assert list(lines.read()) == ["second", "and third"]
    assert lines.generation == 1


def test_a_file_truncated_to_nothing_is_noticed(tmp_path):
    path = tmp_path / "file"
    path.write_text("first\n")
    lines = IncrementalLines(path)
    list(lines.read())
    os.truncate(path, 0)
    assert list(lines.read()) == []
    assert lines.generation == 1


def test_an_endless_line_is_dropped_and_takes_no_memory(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a\n" + b"x" * (LONGEST_LINE_BYTES + 2 * BLOCK_BYTES))
    lines = IncrementalLines(path)
    assert list(lines.read()) == ["a"]
    append(path, b"end\nb\n")
    assert list(lines.read()) == ["b"]


@given(chunkings)
@shared_folder
def test_a_log_read_in_any_portions_shows_the_same(tmp_path, chunks):
    path = tmp_path / "log"
    path.unlink(missing_ok=True)
    tail = LogTail(path, lines=5)
    for chunk in chunks:
        append(path, chunk)
        tail.poll()
    whole = LogTail(path, lines=5)
    whole.poll()
    assert tail.lines == whole.lines


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"plain", "plain"),
        (b"10%\r50%\r100%\r", "100%"),
        (b"10%\r\x1b[K50%\x1b[0m", "50%"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]52;c;cm0gLXJm\x1b\\text", "text"),
        (b"\x1bP1$r\x1b\\text", "text"),
        (b"\xc2\x9b31mred", "red"),
        (b"a\tb\x07\x08c\x00", "a   bc"),
        ("\u202egnp.exe\u2066".encode(), "gnp.exe"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 10_000, "x" * 4096),
        (b"\x1b", ""),
    ],
)
def test_a_line_is_shown_without_anything_that_moves_a_terminal(raw, said):
    assert shown(raw) == said


@given(st.binary(max_size=200))
def test_nothing_that_a_terminal_obeys_gets_through(raw):
    assert all(letter.isprintable() or letter.isspace() or ord(letter) >= 0xA0 for letter in shown(raw))
    assert not {"\x1b", "\x9b", "\n", "\r", "\x07"} & set(shown(raw))


def test_only_the_last_lines_are_kept_and_the_torn_one_is_shown(tmp_path):
    path = tmp_path / "log"
    tail = LogTail(path, lines=2)
    assert not tail.poll()
    append(path, b"a\nb\nc\nepoch 1\repoch 2")
    assert tail.poll()
    assert tail.lines == ("c", "epoch 2")
    append(path, b"\repoch 3\n")
    tail.poll()
    assert tail.lines == ("c", "epoch 3")
    assert not tail.poll()


def test_a_huge_log_is_read_from_near_its_end(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"old line\n" * 1_000_000 + b"last\n")
    tail = LogTail(path, lines=3)
    tail.poll()
    assert tail.lines == ("old line", "old line", "last")
    assert sum(len(block.data) for block in tail._file.blocks()) == 0
