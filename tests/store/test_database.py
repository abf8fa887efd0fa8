"""The file itself: private, durable, refused when it is not ours, brought up to date when it is old."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.store.builders import ANNA, command, submission
from yolotui.errors import QueueDamaged, QueueUnusable
from yolotui.locations import Home
from yolotui.store import Store
from yolotui.store.database import BUSY_TIMEOUT_S, claim_for_this_machine


def test_home_and_file_are_for_their_owner_alone(home: Home) -> None:
    before = os.umask(0)
    try:
        with Store(home) as store:
            store.verbs.submit([submission(command("a"))], ANNA)
            modes = {path.name: path.stat().st_mode & 0o777 for path in home.root.iterdir()}
    finally:
        os.umask(before)
    assert home.root.stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}
    assert {"queue.db", "queue.db-wal", "queue.db-shm"} <= modes.keys()


def test_journal_is_wal_and_commits_are_synced(home: Home) -> None:
    with Store(home) as store:
        pragma = {name: store._database.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}
    assert pragma == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 0}


def test_a_newer_file_is_refused_with_a_sentence(home: Home) -> None:
    Store(home).close()
    with sqlite3.connect(home.queue) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(QueueUnusable, match=r"newer yolotui \(schema 999"):
        Store(home)


def test_a_file_of_another_machine_is_refused_until_it_is_claimed(home: Home) -> None:
    Store(home).close()
    with sqlite3.connect(home.queue) as connection:
        connection.execute("UPDATE queue SET machine = 'elsewhere/123'")
    connection.close()
    with pytest.raises(QueueUnusable, match=r"another machine \(elsewhere/123\).*--claim-home"):
        Store(home)
    assert claim_for_this_machine(home) == "elsewhere/123"
    Store(home).close()


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to look at" * 50, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_a_damaged_file_is_a_sentence(home: Home, content: bytes) -> None:
    home.create()
    home.queue.write_bytes(content)
    with pytest.raises(QueueUnusable, match=r"queue\.db"):
        Store(home)
    assert home.queue.read_bytes() == content


def test_a_file_that_lacks_a_table_is_damaged_and_not_waited_for(home: Home) -> None:
    Store(home).close()
    with closing(sqlite3.connect(home.queue)) as connection:
        connection.execute("DROP TABLE queue")
    with pytest.raises(QueueDamaged, match="doctor --repair"):
        Store(home)


def test_what_was_acknowledged_survives_a_kill(home: Home) -> None:
    """A process that prints an id after its verb returned and is killed at once has lost nothing."""
    program = """
import os, signal, sys
from pathlib import Path
from tests.store.builders import ANNA, command, submission
from yolotui.locations import Home
from yolotui.store import Store
store = Store(Home(Path(sys.argv[1])))
for number in range(20):
    print(*store.verbs.submit([submission(command(f"job-{number}"))], ANNA), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    result = subprocess.run(
        [sys.executable, "-c", program, str(home.root)], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    acknowledged = [int(line) for line in result.stdout.split()]
    assert result.returncode == -9
    with Store(home) as store:
        assert [job.id for job in store.read.jobs()] == acknowledged == list(range(1, 21))


def test_a_verb_that_fails_leaves_nothing_behind(home: Home) -> None:
    with Store(home) as store:
        revision = store.read.revision()
        with pytest.raises(Exception, match="no such job"):
            store.verbs.submit([submission(command("a")), submission(command("b", after=("nobody",)))], ANNA)
        assert store.read.jobs() == []
        assert store.read.audit() == []
        assert store.read.revision() == revision


def test_the_audit_log_is_never_rewritten(home: Home) -> None:
    with Store(home) as store:
        store.verbs.submit([submission(command("a"))], ANNA)
        connection = store._database.connection
        with pytest.raises(sqlite3.IntegrityError, match="never rewritten"):
            connection.execute("UPDATE audit SET actor = 'somebody else'")
        with pytest.raises(sqlite3.IntegrityError, match="never rewritten"):
            connection.execute("DELETE FROM audit")


def test_twenty_processes_at_once_lose_and_double_nothing(home: Home) -> None:
    Store(home).close()
    program = """
import sys
from contextlib import closing
from pathlib import Path
from pathlib import Path
from tests.store.builders import ANNA, command, submission
from yolotui.locations import Home
from yolotui.store import Store
with Store(Home(Path(sys.argv[1]))) as store:
    for number in range(5):
        print(*store.verbs.submit([submission(command(f"{sys.argv[2]}-{number}"))], ANNA), flush=True)
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(home.root), str(n)], stdout=subprocess.PIPE, text=True)
        for n in range(20)
    ]
    ids = [int(word) for process in processes for word in process.communicate()[0].split()]
    assert sorted(ids) == list(range(1, 101))
    with Store(home) as store:
        assert len(store.read.jobs()) == 100
        assert len(store.read.audit()) == 100


@contextmanager
def reading(home: Home) -> Iterator[None]:
    """Somebody in another process who began to read and does not end it."""
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN'); "
    code += "c.execute('SELECT count(*) FROM jobs').fetchone(); print('reads', flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", code, str(home.queue)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout
        assert reader.stdout.readline() == "reads\n"
        yield


def grow(store: Store, jobs: int = 20) -> None:
    store.verbs.submit([submission(command("big", keep_env=("x" * 10_000,)))] * jobs, ANNA)


def test_the_log_is_emptied_by_a_checkpoint_and_never_longer_than_what_was_written_since(home: Home) -> None:
    with Store(home, wakes_leader=False) as leader, Store(home) as people:
        for _ in range(20):
            grow(people)
            assert 0 < leader.wal_bytes() < 2 * 1024**2
            leader.checkpoint()
            assert leader.wal_bytes() == 0
        assert home.queue.stat().st_size > 2 * 1024**2


def test_a_reader_that_does_not_end_holds_nobody_up_and_the_log_is_emptied_when_it_has(home: Home) -> None:
    with Store(home, wakes_leader=False) as leader, Store(home) as people:
        grow(people)
        with reading(home):
            grow(people)
            leader.checkpoint()
            assert leader.wal_bytes() > 0
            grow(people)  # nobody is kept from writing
        leader.checkpoint()
        assert leader.wal_bytes() == 0
        assert len(people.read.jobs()) == 60


def test_somebody_who_writes_for_long_is_not_waited_for(home: Home) -> None:
    with Store(home, wakes_leader=False) as leader, Store(home) as people:
        grow(people)
        with people._database.write(ANNA):
            leader.checkpoint()
        assert leader._database.connection.execute("PRAGMA busy_timeout").fetchone()[0] == 1000 * BUSY_TIMEOUT_S


def test_two_connections_of_a_process_outlive_the_close_of_anothers(home: Home) -> None:
    """POSIX locks belong to a process: whatever opens and closes the file must not drop those of another connection."""
    with Store(home) as first, Store(home) as second:
        first.verbs.submit([submission(command("a"))], ANNA)
        program = """
import sys
from contextlib import closing
from pathlib import Path
from yolotui.locations import Home
from yolotui.store import Store
Store(Home(Path(sys.argv[1]))).close()
"""
        subprocess.run([sys.executable, "-c", program, str(home.root)], check=True)
        second.verbs.submit([submission(command("b"))], ANNA)
        with Store(home) as third:
            assert [len(store.read.jobs()) for store in (first, second, third)] == [2, 2, 2]
