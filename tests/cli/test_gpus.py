"""GPUs are taken out of use and back by the index or the UUID that `gpus` shows."""

from __future__ import annotations

import time

from tests.cli import states
from tests.cli.conftest import Shell
from yolotui.store import Store


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
