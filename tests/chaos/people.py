"""People at their terminals: they submit work and steer it, and note what was acknowledged."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

from tests.chaos.house import House, reserve, unreserve
from tests.chaos.night import CARDS, HERE, Night

TRAINING = ("imgsz=32", "batch=4", "plots=False")
STARTS_WITHIN_S = 3.0
ERRAND = str(HERE / "witness/errand.py")


class People:
    """Act now and then, at most two verbs at a time. What they know of jobs is what was printed for them."""

    def __init__(
        self,
        night: Night,
        chance: random.Random,
        *,
        most_jobs: int,
        most_epochs: int = 25,
        every_s: float = 0.5,
        house: House = House(),  # noqa: B008 - frozen
    ) -> None:
        self._night = night
        self._chance = chance
        self._most_jobs = most_jobs
        self._most_epochs = most_epochs
        self._every_s = every_s
        self._house = house
        self._next_at = self._finds_work_at = 0.0
        self._jobs = 0
        self._names: list[str] = []

    def idle(self) -> None:
        """Start a verb if it is time for one."""
        now = time.monotonic()
        if now < self._next_at or len(self._night.verbs) >= 2:
            return
        self._next_at = now + self._chance.expovariate(1 / self._every_s)
        self.act()

    def find_work(self) -> None:
        """Nothing runs: submit a training, in addition to the jobs that were meant to be, and give it time to start."""
        if (now := time.monotonic()) >= self._finds_work_at:
            self._finds_work_at = now + STARTS_WITHIN_S
            self.add_training()

    def act(self) -> None:
        """Start one verb."""
        adding = [self.add_training, self.add_errand, self.add_file]
        if self._jobs < self._most_jobs and (self._jobs < 2 or self._chance.random() < 0.4):
            self._chance.choices(adding, [5, 2, 1])[0]()
        else:
            deeds = {**STEERING, **(BOOKING if self._house.books else {})}
            self._chance.choices(list(deeds), list(deeds.values()))[0](self)

    def add_wide_training(self) -> None:
        """One that gets two cards as soon as it can: it has ranks."""
        self.add_training("--priority", "P0", gpus=2)

    def add_training(self, *options: str, gpus: int | None = None) -> None:
        night, chance = self._night, self._chance
        name = self._named("training")
        if gpus is None:
            gpus = 1 if night.real else chance.choices([1, 2], [4, 1])[0]
        claim, told = self._house.claim(chance, gpus)
        variables = {
            **night.job_environment,
            **told,
            "DOUBLE_BATCH_S": f"{chance.choice([0.004, 0.01, 0.03])}",
            "DOUBLE_NAIVE": str(int(chance.random() < 0.25)),
        }
        epochs = chance.randint(4, self._most_epochs)
        after = (
            ["--after-finished", chance.choice(self._names[:-1])] if self._names[:-1] and chance.random() < 0.2 else []
        )
        night.start_verb(
            "add", "yolo11n.yaml", str(night.root / "data.yaml"), f"epochs={epochs}", *TRAINING,
            f"save_period={chance.choice([-1, 1, 5])}", "--name", name, "--retries", "1000",
            "--retry-delay", "0.02s", *claim, *options, *after,
            *(f"--env={key}={value}" for key, value in variables.items()),
            adds=[name], fate="succeeds", epochs=epochs,
        )  # fmt: skip

    def add_errand(self) -> None:
        night, chance = self._night, self._chance
        name = self._named("errand")
        code = chance.choices([0, 3], [3, 1])[0]
        orphan = ["orphan"] if chance.random() < 0.3 else []
        night.start_verb(
            "run", "--name", name, "--gpus", str(chance.choice([0, 1])),
            *(f"--env={key}={value}" for key, value in night.job_environment.items()), "--",
            sys.executable, ERRAND, f"{chance.uniform(0.1, 1.0):.2f}", str(code), *orphan,
            adds=[name], fate="fails" if code else "succeeds",
        )  # fmt: skip

    def add_file(self) -> None:
        night, chance = self._night, self._chance
        first, second, third = (self._named("of-file") for _ in range(3))
        environment = "{ " + ", ".join(f'{key} = "{value}"' for key, value in night.job_environment.items()) + " }"
        code = chance.choices([0, 3], [3, 1])[0]
        file = night.root / f"{first}.toml"
        file.write_text(
            f'[defaults]\ngpus = 0\nenv = {environment}\n'
            f'[[job]]\nname = "{first}"\nrun = "{sys.executable} {ERRAND} 0.2 {code}"\n'
            f'[[job]]\nname = "{second}"\nrun = "{sys.executable} {ERRAND} 0.1 0"\nafter = ["{first}"]\n'
            f'[[job]]\nname = "{third}"\nrun = "{sys.executable} {ERRAND} 0.1 0"\nafter = ["{second}"]\n'
        )  # fmt: skip
        night.start_verb("add", "--file", str(file), adds=[first, second, third], fate="fails" if code else "succeeds")

    def _named(self, what: str) -> str:
        self._jobs += 1
        self._names.append(f"{what}-{self._jobs}")
        return self._names[-1]

    def _some(self, most: int = 2) -> list[str]:
        """Some of the jobs, also of those whose submission was never acknowledged."""
        known = min(len(self._names), self._most_jobs + 2)
        return [
            str(n) for n in sorted(self._chance.sample(range(1, known + 1), min(known, self._chance.randint(1, most))))
        ]

    def _steer(self, verb: str, *words: str, most: int = 2) -> None:
        jobs = self._some(most)
        self._night.start_verb(verb, *words, *jobs, expects=[(verb, int(job)) for job in jobs])

    def priority(self) -> None:
        self._steer("priority", self._chance.choice(["P0", "P1", "P2", "P3"]), most=4)

    def hold(self) -> None:
        self._steer("hold")

    def release(self) -> None:
        self._steer("release")

    def pause(self) -> None:
        self._steer("pause", most=1)

    def resume(self) -> None:
        self._steer("resume", most=1)

    def checkpoint(self) -> None:
        self._steer("checkpoint", most=1)

    def finish(self) -> None:
        self._steer("finish", most=1)

    def kill(self) -> None:
        self._steer("kill", "--yes", most=1)

    def cancel(self) -> None:
        self._steer("cancel", "--yes", most=1)

    def retry(self) -> None:
        self._steer("retry", most=1)

    def undo(self) -> None:
        self._night.start_verb("undo")

    def drain(self) -> None:
        self._night.start_verb("drain", self._chance.choice(CARDS), expects=[("drain", None)])

    def undrain(self) -> None:
        self._night.start_verb("undrain", self._chance.choice(CARDS), expects=[("undrain", None)])

    def reserve(self) -> None:
        reserve(self._night, self._chance, int(self._some(1)[0]))

    def unreserve(self) -> None:
        unreserve(self._night, self._chance.randint(1, 6))


STEERING: dict[Callable[[People], None], int] = {
    People.priority: 6,
    People.hold: 3,
    People.release: 5,
    People.pause: 5,
    People.resume: 6,
    People.checkpoint: 2,
    People.finish: 1,
    People.kill: 1,
    People.cancel: 1,
    People.retry: 3,
    People.undo: 2,
    People.drain: 1,
    People.undrain: 2,
}
BOOKING: dict[Callable[[People], None], int] = {People.reserve: 5, People.unreserve: 2}
