"""The judge: reads only the files of a night, and says which of the five promises were broken.

python -m tests.chaos.judge DIRECTORY
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.chaos.history import History
from tests.chaos.leases import Leases, Rules
from tests.chaos.replay import Row, replay
from yolotui.telemetry import RunReader

TRACEBACK = re.compile(r"^Traceback \(most recent call last\)", re.MULTILINE)
MET = {"evict": "evictions", "open-booking": "bookings opened"}


@dataclass
class Judgement:
    """What a night came to. `violations` are sentences; there should be none.

    `met` counts how often it came to what the rules for cards are for.
    """

    root: Path
    violations: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    verbs: int = 0
    jobs: int = 0
    attempts: int = 0
    epochs: int = 0


class Queue:
    """A copy of the queue's file, so that nothing is changed by looking."""

    ENDED = frozenset({"succeeded", "failed", "cancelled", "skipped"})

    def __init__(self, home: Path) -> None:
        self._folder = tempfile.TemporaryDirectory()
        for name in ("queue.db", "queue.db-wal"):
            if (home / name).exists():
                shutil.copy(home / name, self._folder.name)
        self._connection = sqlite3.connect(Path(self._folder.name, "queue.db"))
        self._connection.row_factory = sqlite3.Row

    def __enter__(self) -> Queue:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()
        self._folder.cleanup()

    def rows(self, sql: str) -> list[sqlite3.Row]:
        return self._connection.execute(sql).fetchall()

    def states(self) -> dict[int, str]:
        return {row["id"]: row["state"] for row in self.rows("SELECT id, state FROM jobs")}

    def held_groups(self) -> list[str]:
        return [row["name"] for row in self.rows("SELECT name FROM held_groups")]

    def cards_out_of_use(self) -> list[str]:
        return [row["uuid"] for row in self.rows("SELECT uuid FROM gpus WHERE state != 'trusted'")]

    def bookings_to_come(self) -> list[int]:
        return [row["id"] for row in self.rows("SELECT id FROM bookings WHERE state != 'over'")]

    def windows_begin(self) -> dict[int, float]:
        return {row["id"]: row["starts_at"] for row in self.rows("SELECT id, starts_at FROM bookings")}

    def audit(self) -> list[Row]:
        return [
            Row(row["id"], row["at"], row["actor"], row["verb"], row["job"], json.loads(row["detail"]), row["reason"])
            for row in self.rows("SELECT * FROM audit ORDER BY id")
        ]

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs with their attempts, decoded."""
        attempts: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in self.rows("SELECT job, record FROM attempts ORDER BY job, number"):
            attempts[row["job"]].append(json.loads(row["record"]))
        return [
            {
                **dict(row),
                "spec": json.loads(row["spec"]),
                "status": json.loads(row["status"]),
                "attempts": attempts[row["id"]],
            }
            for row in self.rows("SELECT * FROM jobs ORDER BY id")
        ]


def judge(root: Path) -> Judgement:
    """Judge a night by its files."""
    found = Judgement(root)
    history = History(root / "history.jsonl")
    with Queue(root / "home") as queue:
        damage = [row[0] for row in queue.rows("PRAGMA integrity_check") if row[0] != "ok"]
        if damage:
            found.violations.append(f"the queue's file is damaged: {damage[:3]}")
            return found
        jobs, rows = queue.jobs(), queue.audit()
        left, bookings = len(queue.rows("SELECT * FROM leases")), queue.bookings_to_come()
        leases = _leases(root, jobs, queue.windows_begin())
    found.faults.update(line["kind"] for line in history.read("fault"))
    found.missed.update(line["kind"] for line in history.read("missed"))
    found.jobs, found.attempts = len(jobs), sum(len(job["attempts"]) for job in jobs)
    found.violations += _of_verbs(history, jobs, rows, found)
    found.violations += _of_ends(history, jobs, rows)
    found.violations += _of_lives(history, root, left)
    found.violations += _of_epochs(history, root, jobs, found)
    found.violations += replay(rows, {job["id"]: job["state"] for job in jobs}, leases)
    found.met.update(leases.met)
    found.met.update(MET[row.verb] for row in rows if row.verb in MET)
    found.violations += [f"booking {each} was forgotten" for each in bookings]
    found.violations += _of_words(root)
    return found


def _leases(root: Path, jobs: list[dict[str, Any]], windows_begin: dict[int, float]) -> Leases:
    """Nobody's yet, under the rules of this night."""
    promised = {(job["id"], each["number"]): each.get("promised_bytes") for job in jobs for each in job["attempts"]}
    groups = {job["id"]: job["group_name"] for job in jobs}
    return Leases(promised, groups, Rules.of(root / "home/config.toml"), windows_begin)


def _of_verbs(history: History, jobs: list[dict[str, Any]], rows: list[Row], found: Judgement) -> list[str]:
    """Every acknowledged verb is in the database, none half."""
    wrong = []
    answers = {line["id"]: line for line in history.read("answer")}
    names = Counter(job["name"] for job in jobs)
    done: dict[str, set[tuple[str, int | None]]] = defaultdict(set)
    classes: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        done[row.reason].add((row.verb, row.job))
        if row.job is not None and (given := row.detail.get("after" if row.verb == "priority" else "priority")):
            classes[row.job].add(given)
    for verb in history.read("verb"):
        found.verbs += 1
        answer = answers.get(verb["id"], {"exit": None})
        acknowledged = answer["exit"] == 0
        found.acknowledged += acknowledged
        if added := verb.get("adds"):
            there = [names[name] for name in added]
            if set(there) not in ({0}, {1}) or (acknowledged and there[0] == 0):
                wrong.append(
                    f"{verb['id']} {verb['words'][0]} answered {answer['exit']} and its jobs are there {there} times"
                )
        expected = {(name, job) for name, job in verb["expects"]}
        there_of_it = expected & done[verb["id"]]
        if verb["words"][0] == "priority":  # nothing is on record where a job was of that class already
            expected = {each for each in expected if each in there_of_it or verb["words"][1] not in classes[each[1]]}
        if (there_of_it and there_of_it != expected) or (acknowledged and not there_of_it and expected):
            wrong.append(f"{verb['id']} {verb['words']} answered {answer['exit']}, done is {there_of_it} of {expected}")
    return wrong


def _of_ends(history: History, jobs: list[dict[str, Any]], rows: list[Row]) -> list[str]:
    """Every job ends, and for a true reason: what nobody has harmed succeeds."""
    wrong = []
    fates = {name: verb["fate"] for verb in history.read("verb") for name in verb.get("adds", ())}
    harmed: dict[str, set[str]] = defaultdict(set)
    for line in history.read("harm"):
        for attempt in line["attempts"]:
            harmed[attempt].add(line["kind"])
    has_had_disk_trouble = any(line.get("everybody") for line in history.read("harm"))
    by_person = {row.job for row in rows if row.verb in {"kill", "cancel"} and row.actor != "scheduler"}
    for job in jobs:
        name, is_training = f"job {job['id']} ({job['name']})", job["name"].startswith("training")
        state, attempts = job["state"], job["attempts"]
        if state not in Queue.ENDED:
            wrong.append(f"{name} was forgotten: {job['status']}")
        if state == "cancelled" and job["id"] not in by_person:
            wrong.append(f"{name} is cancelled and no person did it")
        if state == "failed" and is_training:
            wrong.append(f"{name} has failed for good: {job['status']}")
        if state == "failed" and not job["status"].get("reason"):
            wrong.append(f"{name} has failed and does not say why")
        if any(attempt["outcome"] is None for attempt in attempts) and state in Queue.ENDED:
            wrong.append(f"{name} has ended and an attempt of it has not")
        for attempt in attempts:
            if attempt.get("outcome") != "failed":
                continue
            is_doomed = fates.get(job["name"]) == "fails" and attempt["cause"] == "exit_code"
            if not (harmed[attempt["uuid"]] or is_doomed or has_had_disk_trouble):
                said = f"{attempt['cause']}: {attempt['explanation']}"
                wrong.append(f"{name} attempt {attempt['number']} failed though nobody harmed it: {said}")
            if attempt["cause"] in {"killed", "lost"} and not harmed[attempt["uuid"]]:
                wrong.append(f"{name} attempt {attempt['number']} was {attempt['cause']}, and nobody killed it")
    return wrong


def _of_lives(history: History, root: Path, left: int) -> list[str]:
    """Nothing ran twice, no card was in two hands, nothing outlives its job, no stranger was harmed."""
    wrong = [
        f"two lives at once: {line['what']}, seen by pid {line['pid']} of {line['attempt']}"
        for line in History(root / "witness/told.jsonl").read("conflict")
    ]
    wrong += [f"outlives its job: {each}" for line in history.read("left") for each in line["processes"]]
    wrong += [f"a stranger was killed: {pid}" for line in history.read("bystanders") for pid in line["lost"]]
    if left:
        wrong.append(f"{left} leases are left although nothing runs")
    return wrong


def _of_epochs(history: History, root: Path, jobs: list[dict[str, Any]], found: Judgement) -> list[str]:
    """No epoch lost that a whole checkpoint held, none doubled, none resumed from a damaged file."""
    wrong = []
    begun = {line["attempt"]: line for line in History(root / "witness/told.jsonl").read("begin")}
    damaged = {str(Path(line["file"]).parts[1]) for line in history.read("damaged")}
    has_had_disk_trouble = any(line.get("everybody") for line in history.read("harm"))
    for job in jobs:
        if job["spec"]["kind"] != "train":
            continue
        run_dir, name = Path(job["run_dir"]), f"job {job['id']}"
        reader = RunReader(run_dir)
        reader.poll()
        epochs = [row.epoch for row in reader.series.epochs]
        found.epochs += len(epochs)
        if epochs != sorted(set(epochs)):
            wrong.append(f"{name} has epochs doubled or out of order in its series: {epochs}")
        asked = job["spec"]["arguments"]["epochs"]
        finished_early = any(attempt.get("explanation") == "Finished on request." for attempt in job["attempts"])
        may_have_holes = run_dir.name in damaged or has_had_disk_trouble
        if job["state"] == "succeeded" and not finished_early and not may_have_holes:
            for what, rows in (("series", epochs), ("results.csv", _csv_epochs(run_dir))):
                if rows != list(range(1, asked + 1)):
                    wrong.append(f"{name} succeeded with {asked} epochs, and its {what} has {rows}")
        for info in reader.series.attempts:
            attempt = next((each for each in job["attempts"] if each["number"] == info.number), None)
            witness = begun.get(attempt["uuid"]) if attempt else None
            if info.start is None or witness is None:
                continue
            resumed = info.start.resumed_from_epoch or 0
            best = max(witness["whole"].values(), default=0)
            if resumed < best:
                wrong.append(
                    f"{name} attempt {info.number} went on from epoch {resumed}; on the disk: {witness['whole']}"
                )
    return wrong


def _csv_epochs(run_dir: Path) -> list[int]:
    try:
        lines = (run_dir / "train/results.csv").read_text().splitlines()[1:]
    except FileNotFoundError:
        return []
    return [int(float(line.split(",")[0])) for line in lines]


def _of_words(root: Path) -> list[str]:
    """Nothing that happened was met with a traceback."""
    files = [root / "home/scheduler.log", *sorted((root / "said").iterdir())]
    texts = {file.name: file.read_text(errors="replace") for file in files if file.exists()}
    return [
        f"{name} has a traceback: {text.rstrip().splitlines()[-1]}"
        for name, text in texts.items()
        if TRACEBACK.search(text)
    ]


if __name__ == "__main__":
    for violation in judge(Path(sys.argv[1])).violations:
        print(violation)
