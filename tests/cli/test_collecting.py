from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Shell
from tests.cli.states import succeed
from yolotui.store import Store


def test_gc_looks_first_asks_and_frees(shell: Shell, store: Store, add) -> None:
    job = add("night")
    succeed(store, job)
    run_dir = Path(store.read.job(job).run_dir)
    run_dir.mkdir(parents=True)
    (run_dir / "spec.json").write_text(json.dumps({"job": job}))

    assert shell("gc").exit_code == 2
    assert "not a duration" in shell("gc", "--older-than", "long").stderr
    assert shell.json("gc", "night", "--dry-run")["rests"][0]["kept_because"] is None
    assert "could be freed" in shell("gc", "night", "--dry-run").stderr
    refused = shell("gc", "night")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert run_dir.exists()
    assert "freed" in shell("gc", "night", "--yes").stderr
    assert not run_dir.exists()
    assert "nothing to remove" in shell("gc", "night", "--yes").stderr
    assert shell("show", "night").exit_code == 0
    assert shell("logs", "night").exit_code == 0
