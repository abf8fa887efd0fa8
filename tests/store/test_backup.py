from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.store.builders import ANNA, command, submission
from yolotui.errors import NotPossible, QueueUnusable, WrongUse
from yolotui.locations import Home
from yolotui.store import Store
from yolotui.store.backup import back_up, default_target


def test_a_backup_is_a_queue_of_its_own_in_one_private_file(home, tmp_path):
    with Store(home) as store:
        store.verbs.submit([submission(command("a")), submission(command("b", after=("a",)))], ANNA)
        jobs, audit = store.read.jobs(), store.read.audit()
        before = os.umask(0)
        try:
            size = back_up(home, tmp_path / "deep" / "copy.db")
        finally:
            os.umask(before)
    restored = Home(tmp_path / "restored")
    restored.create()
    (tmp_path / "deep" / "copy.db").rename(restored.queue)
    assert size == restored.queue.stat().st_size
    assert restored.queue.stat().st_mode & 0o777 == 0o600
    assert list((tmp_path / "deep").iterdir()) == []
    with Store(restored) as store:
        assert (store.read.jobs(), store.read.audit()) == (jobs, audit)


def test_a_backup_taken_while_others_submit_holds_whole_transactions(home, tmp_path):
    pairs, done = 40, threading.Event()

    def submit() -> None:
        with Store(home) as store:
            for _ in range(pairs):
                store.verbs.submit([submission(command("first")), submission(command("second"))], ANNA)
        done.set()

    with Store(home):
        writer = threading.Thread(target=submit)
        writer.start()
        copies = 0
        while not done.is_set():
            back_up(home, tmp_path / f"{copies}.db")
            copies += 1
        writer.join()
    for number in range(copies):
        copy = sqlite3.connect(tmp_path / f"{number}.db")
        counts = dict(copy.execute("SELECT name, count(*) FROM jobs GROUP BY name").fetchall())
        assert counts.get("first", 0) == counts.get("second", 0)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        copy.close()


def test_what_can_not_be_backed_up_is_told(home, tmp_path):
    with pytest.raises(NotPossible, match="nothing to back up"):
        back_up(home, tmp_path / "copy.db")
    assert not home.root.exists()
    with Store(home) as store:
        store.verbs.submit([submission(command("a"))], ANNA)
    (tmp_path / "there.db").write_text("mine")
    with pytest.raises(WrongUse, match="there already"):
        back_up(home, tmp_path / "there.db")
    with pytest.raises(WrongUse, match="can't be written"):
        back_up(home, tmp_path / "there.db" / "below.db")
    assert (tmp_path / "there.db").read_text() == "mine"


def test_of_a_disk_without_room_for_the_copy_it_is_said_which_it_is(home, tmp_path, monkeypatch):
    with Store(home) as store:
        store.verbs.submit([submission(command("a"))], ANNA)
    connect = sqlite3.connect

    def connected(path: str | Path, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(path, **options)
        if Path(path).parent == tmp_path:
            connection.execute("PRAGMA max_page_count = 2")
        return connection

    monkeypatch.setattr(sqlite3, "connect", connected)
    with pytest.raises(WrongUse, match=f"{tmp_path} has no room"):
        back_up(home, tmp_path / "copy.db")
    assert [path for path in tmp_path.iterdir() if path != home.root] == []


def test_a_damaged_queue_makes_no_backup(home, tmp_path):
    with Store(home) as store:
        store.verbs.submit([submission(command(f"job-{n}")) for n in range(200)], ANNA)
        store.checkpoint()
    content = bytearray(home.queue.read_bytes())
    content[8192:12288] = b"\xa5" * 4096
    home.queue.write_bytes(content)
    with pytest.raises(QueueUnusable, match="doctor --repair"):
        back_up(home, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_the_default_place_is_named_by_the_moment(home):
    assert default_target(home, 0.0) == home.root / "backups" / "queue-19700101-000000.db"
