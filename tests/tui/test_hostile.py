"""Names, reasons, logs and metrics from outside are shown as they are: no markup, no escape, no action to click."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.security.test_injection import ATTACKS, OBEYED
from tests.tui.believable import BelievableHome
from tests.tui.showing import dashboard, settled, text_of
from yolotui.core.jobs import JobSpec, Kind
from yolotui.store import Actor, Submission

MARKUP = ATTACKS["markup"]


def hostile_home(root: Path, attack: str) -> BelievableHome:
    """A home in which every text that comes from outside is an attack, as one who can write the file could make it."""
    home = BelievableHome(root)
    evil = Actor(f"who{attack}", 0, f"why{attack}")
    spec = JobSpec(
        name=f"n{attack}", kind=Kind.TRAIN, group=f"g{attack}", model=f"m{attack}.yaml", data=f"d{attack}",
        arguments={"epochs": 3, f"a{attack}": attack},
    )  # fmt: skip
    store = home.store
    failed, running, held = store.verbs.submit([Submission(spec=spec) for _ in range(3)], evil)
    from tests.cli.states import fail, start

    fail(store, failed, f"it failed {attack}")
    start(store, running, gpus=("GPU-0",))
    store.verbs.hold([held], evil)
    for job_id in (failed, running):
        folder = Path(store.read.job(job_id).run_dir) / "attempt-1"
        folder.mkdir(parents=True)
        (folder / "console.log").write_text(f"{attack}\nlast {attack}\n", encoding="utf-8", newline="")
        metrics = {f"metrics/{attack}": 0.5, "metrics/mAP50(B)": 0.5, "train/box_loss": 1.0}
        events = [
            {"t": 1.0, "event": "start", "epochs": 3, "versions": {attack: attack}, "task": attack},
            {"t": 2.0, "event": "phase", "name": attack},
            {"t": 3.0, "event": "epoch", "epoch": 1, "epochs": 3, "epoch_s": 1.0, "metrics": metrics, "fitness": 0.5},
            {"t": 4.0, "event": "changed", "what": attack, "from": attack, "to": attack, "why": attack},
        ]
        (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    gpus = [msgspec.structs.replace(gpu, name=f"card{attack}") for gpu in home.gpus]
    home.gpus[:] = gpus
    home.publish()
    return home


@pytest.fixture(params=ATTACKS)
def hostile(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[BelievableHome, str]]:
    attack = ATTACKS[request.param]
    home = hostile_home(tmp_path / "home", attack)
    with home.led():
        yield home, attack
    home.store.close()


async def test_nothing_of_it_is_obeyed_on_any_screen(hostile: tuple[BelievableHome, str]):
    home, attack = hostile
    app = dashboard(home)
    seen = []
    async with app.run_test(size=(160, 50)) as pilot:
        await settled(pilot)
        for keys in (
            (), ("down",), ("l",), ("l", "enter"), ("escape", "x"), ("escape", "O"), ("O", "question_mark"),
            ("escape", "slash", "n"), ("escape", "up", "up", "h"), ("r",), ("ctrl+p",), ("escape", "2"), ("1",),
        ):  # fmt: skip
            await pilot.press(*keys)
            await pilot.pause()
            seen.append(text_of(app))
            assert app.is_running
    for text in seen:
        assert not OBEYED.findall(text)
    if attack == MARKUP:
        assert any("[bold red]x[/]" in text for text in seen)
