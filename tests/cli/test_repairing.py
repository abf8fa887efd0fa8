from __future__ import annotations

from tests.cli.conftest import Shell
from yolotui.leadership import Lock
from yolotui.locations import Home


def test_doctor_says_that_the_queue_is_damaged_and_repairs_it(shell, add, store) -> None:
    add("night")
    store.checkpoint()
    store.close()
    shell.home.queue.write_bytes(b"no database" * 1000)
    found = next(each for each in shell.json("doctor")["findings"] if each["name"] == "queue")
    assert found["level"] == "error"
    assert "--repair" in found["text"]
    assert shell("doctor", "--repair").exit_code == 4  # the test leads this home
    lock = Lock(shell.home.scheduler_lock)
    assert not lock.acquire()


def test_doctor_repairs(home: Home) -> None:
    shell = Shell(home)
    home.create()
    home.queue.write_bytes(b"no database" * 1000)
    result = shell("doctor", "--repair")
    assert "has 0 jobs again" in result.stderr
    assert "damaged-" in result.stderr
    assert shell("list").exit_code == 0
    assert shell("doctor", "--repair").exit_code == 4
