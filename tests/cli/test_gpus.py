"""GPUs are taken out of use and back by the index or the UUID that `gpus` shows."""

from __future__ import annotations

import time

from msgspec.structs import replace

from tests.cli import states
from tests.cli.conftest import Shell
from yolotui.store import MarkCause, Store


def test_drain_and_undrain(shell: Shell, store: Store) -> None:
    assert "no scheduler has looked yet" in shell("drain", "0").stderr
    states.publish(store, 2, at=time.time())
    result = shell("drain", "1", "GPU-0", "--reason", "new cooler")
    assert result.exit_code == 0
    assert "`yolotui undrain 1 GPU-0` brings back" in result.stderr
    drained = [row for row in store.read.audit() if row.verb == "drain"]
    assert [(row.detail["gpu"], row.reason) for row in drained] == [("GPU-1", "new cooler"), ("GPU-0", "new cooler")]
    assert shell("drain", "1").exit_code == 4
    assert shell("undrain", "1", "--reason", "cool").exit_code == 0
    assert shell("undrain", "1").exit_code == 4
    wrong = shell("drain", "7")
    assert wrong.exit_code == 2
    assert "it has 0 (GPU-0), 1 (GPU-1)" in wrong.stderr


def test_the_state_tells_apart_what_keeps_a_gpu_out(shell: Shell, store: Store) -> None:
    assert shell("run", "--", "true").exit_code == 0
    states.start(store, 1, gpus=("GPU-0",))
    published = states.publish(store, 3, at=time.time())
    ill = replace(published.host.gpus[2], ecc_errors=3, slowdowns=("heat",), links=("GPU-0",))
    host = replace(published.host, gpus=(*published.host.gpus[:2], ill))
    timetable = replace(published.timetable, resting=("GPU-2",))
    store.ledger.publish(replace(published, host=host, timetable=timetable))
    assert shell("drain", "1").exit_code == 0
    store.ledger.quarantine("GPU-2", MarkCause.ECC, "its memory fails", ecc_errors=3)
    gpus = shell.json("gpus")["gpus"]
    assert [gpu["state"] for gpu in gpus] == ["busy", "drained", "quarantined"]
    assert [gpu["resting"] for gpu in gpus] == [False, False, True]
    assert (gpus[0]["ecc_errors"], gpus[0]["slowdowns"], gpus[0]["links"]) == (None, [], [])
    assert (gpus[2]["ecc_errors"], gpus[2]["slowdowns"], gpus[2]["links"]) == (3, ["heat"], ["GPU-0"])
    assert f"1 true-1 ({store.read.job(1).owner.name})" in shell("gpus").stdout
    assert [line.split()[1] for line in shell("gpus").stdout.splitlines()[1:]] == ["busy", "drained", "quarantined"]
