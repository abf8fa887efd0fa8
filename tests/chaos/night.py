"""One night of a queue: a home with two cards, people who act on it, and everything needed to break it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos import sight
from tests.chaos.fate import Fate
from tests.chaos.history import History
from tests.chaos.sight import Seen
from tests.probe.fake_nvml import SONAME, Card, FakeNvml, compile_stand_in

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
YOLOTUI = [sys.executable, "-m", "yolotui"]
CARDS = ("GPU-aaaa", "GPU-bbbb")
PAUSE_S = 0.01


@dataclass
class Verb:
    """A command line under way. `expects` are the audit rows (verb, job or None) that it is to leave, all or none."""

    id: str
    process: subprocess.Popen[bytes]
    output: Path


class Night:
    """The laboratory bench. Everything that it starts carries its name in the environment."""

    def __init__(self, root: Path, seed: int, *, real: bool = False) -> None:
        """`real`: real trainings on two CPU slots instead of doubles on two stand-in cards."""
        self.root = root
        self.name = uuid.uuid4().hex
        self.real = real
        self.home = root / "home"
        self.history = History(root / "history.jsonl")
        self.chance = random.Random(seed)
        self.verbs: dict[str, Verb] = {}
        self._schedulers: list[subprocess.Popen[bytes]] = []
        self._verb_count = 0
        for folder in (root, self.home, root / "witness", root / "said"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.fate = Fate(root / "fate", self.home)
        self.nvml = FakeNvml(root, [Card(uuid) for uuid in CARDS], library=_nvml_library(root.parent))
        self.bystanders: list[subprocess.Popen[bytes]] = []
        self.strangers: list[int] = []  # children of ours with a pid that an attempt had
        self.on_idle: Callable[[], None] = nothing
        self.history.note("night", name=self.name, seed=seed, real=real)

    @property
    def environment(self) -> dict[str, str]:
        """Of everything that people start."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("YOLOTUI_", "PYTEST_"))}
        devices = {"YOLOTUI_GPUS": "cpu:2"} if self.real else self.nvml.env
        return {
            **inherited,
            **self.fate.env,
            **devices,
            sight.NIGHT: self.name,
            "YOLOTUI_HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.root / "config"),
            "WITNESS": str(self.root / "witness"),
        }

    @property
    def job_environment(self) -> dict[str, str]:
        """What a job has beside it: the witness, and the double unless the training is a real one."""
        path = [HERE / "witness"] if self.real else [HERE / "witness", HERE / "doubles"]
        return {"PYTHONPATH": os.pathsep.join(map(str, path))}

    # People

    def start_verb(self, *words: str, expects: Sequence[tuple[str, int | None]] = (), **facts: Any) -> Verb:
        """Start `yolotui WORDS --reason ID` as a process of its own."""
        self._verb_count += 1
        name = f"V{self._verb_count}"
        argv = [words[0], "--reason", name, *words[1:]] if facts.pop("reasoned", True) else list(words)
        self.history.note("verb", id=name, words=list(words), expects=list(expects), **facts)
        output = self.root / "said" / name
        with output.open("wb") as said:
            process = subprocess.Popen(
                [*YOLOTUI, *argv], env=self.environment, cwd=self.root, stdin=subprocess.DEVNULL, stdout=said,
                stderr=said, start_new_session=True,
            )  # fmt: skip
        self.verbs[name] = Verb(name, process, output)
        return self.verbs[name]

    def reap(self) -> None:
        """Note what the verbs have answered."""
        for verb in [each for each in self.verbs.values() if each.process.poll() is not None]:
            said = verb.output.read_text(errors="replace")
            self.history.note("answer", id=verb.id, exit=verb.process.returncode, said=said[-2000:])
            del self.verbs[verb.id]

    def say(self, *words: str, **options: Any) -> int:
        """A verb from beginning to end; returns its exit code."""
        verb = self.start_verb(*words, **options)
        code = verb.process.wait(120)
        self.reap()
        return code

    def live(self, seconds: float) -> None:
        """Let people act for a while."""
        until = time.monotonic() + seconds
        while True:
            self.reap()
            self.on_idle()
            if time.monotonic() >= until:
                return
            time.sleep(PAUSE_S)

    # Processes

    def look(self, *roles: str) -> list[Seen]:
        """The processes of this night in these roles, in the order of their pids."""
        found = sorted(sight.look(self.name), key=lambda each: each.pid)
        return [each for each in found if not roles or each.role in roles]

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        """One more, whether or not another leads."""
        with (self.home / "scheduler.log").open("ab") as log:
            scheduler = subprocess.Popen(
                [sys.executable, "-P", "-m", "yolotui.scheduler", "--until-idle"], env=self.environment,
                cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._schedulers.append(scheduler)
        return scheduler

    def start_bystander(self) -> subprocess.Popen[bytes]:
        """A process of somebody else, which must outlive the night."""
        self.bystanders.append(subprocess.Popen(["sleep", "1000"]))
        return self.bystanders[-1]

    def note_harm(self, kind: str, victims: Sequence[Seen]) -> None:
        """Remember which attempts may now end badly, and why."""
        attempts = sorted({victim.attempt for victim in victims if victim.attempt})
        self.history.note("harm", kind=kind, attempts=attempts, pids=[victim.pid for victim in victims])

    def kill_everything(self) -> int:
        """What a power cut does; returns how many processes there were."""
        killed: set[int] = set()
        while victims := self.look():
            for victim in victims:
                victim.signal(signal.SIGKILL)
                killed.add(victim.pid)
            self.reap()
        return len(killed)

    def close(self) -> None:
        """End everything that this night has started."""
        self.kill_everything()
        for process in [*self._schedulers, *(verb.process for verb in self.verbs.values())]:
            process.wait()
        for bystander in self.bystanders:
            bystander.kill()
            bystander.wait()
        for pid in self.strangers:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def nothing() -> None:
    """Nobody acts."""


def _nvml_library(folder: Path) -> Path:
    library = folder / SONAME
    return library if library.exists() else compile_stand_in(folder)
