"""What the reading verbs print: for scripts one JSON object of a promised shape, for people words."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.cli import states
from tests.cli.conftest import Shell
from tests.telemetry.writing import Run
from yolotui.cli.printing import print_document
from yolotui.core.gpus import Foreign, Gpu, Host
from yolotui.core.health import Finding, Severity, reason_for
from yolotui.core.jobs import Failed, JobSpec, Kind, Notice, Outcome, Priority, Waiting
from yolotui.core.timetable import Demand, Entry, Estimate, Published, Timetable, Why, World
from yolotui.store import Actor, Store, Submission

JOB_KEYS = {
    "id", "name", "group", "owner", "kind", "state", "priority", "submitted_at", "expected_start", "expected_finish",
    "why", "gpus", "epochs", "metrics", "attempts", "health", "run_dir",
}  # fmt: skip
ATTEMPT_KEYS = {
    "number", "state", "outcome", "started_at", "ended_at", "exit_code", "signal", "resumed_from_epoch", "gpus", "pid",
    "vram",
}  # fmt: skip


def publish(store: Store, job_id: int, waiting: int) -> None:
    """What a leader would publish of a job that runs and one that waits for it."""
    gpus = (
        Gpu(uuid="CPU-1", index=0, name="slot", kind="cpu", utilization_percent=50),
        Gpu(uuid="GPU-x", index=1, name="card", memory_total_bytes=1024**3, availability=Foreign((7,), 1024, ("eve",))),
    )
    demands = (
        Demand(
            job_id=job_id, name="a", priority=Priority.P2, submitted_at=0.0, gpus=1, estimate=Estimate(60.0, "guess"),
            state="running", holding=("CPU-1",),
        ),
    )  # fmt: skip
    timetable = Timetable(
        made_at=time.time(),
        entries=(
            Entry(job_id=waiting, start_at=3e9, finish_at=3e9 + 60, gpus=("CPU-1",), why=Why("It waits for CPU-1.")),
            Entry(job_id=job_id, start_at=1e9, finish_at=3e9, gpus=("CPU-1",)),
        ),
    )
    host, world = Host(at=time.time(), gpus=gpus), World(gpus=gpus, demands=demands)
    store.ledger.publish(
        Published(revision=0, at=time.time(), leader_pid=1, host=host, world=world, timetable=timetable)
    )


def test_list_has_the_promised_shape(add: Callable[..., int], shell: Shell, store: Store) -> None:
    running, waiting = add("a", "--group", "g"), add("b", "--priority", "P0")
    states.start(store, running)
    states.reach(store, running, 3, **{"mAP50-95(B)": 0.25})
    publish(store, running, waiting)
    first, second = shell.json("list")["jobs"]
    assert first.keys() == second.keys() == JOB_KEYS
    assert first["state"] == "running"
    assert (first["epochs"], first["gpus"], first["group"]) == ({"done": 3, "total": 10}, ["CPU-1"], "g")
    assert first["metrics"]["best"] == {"metrics/mAP50-95(B)": 0.25}
    assert (first["expected_finish"], first["why"], first["health"]) == (3e9, None, [])
    (attempt,) = first["attempts"]
    assert attempt.keys() == ATTEMPT_KEYS
    assert (attempt["number"], attempt["state"], attempt["outcome"], attempt["pid"]) == (1, "running", None, 4001)
    assert (second["state"], second["priority"], second["attempts"]) == ("waiting", "P0", [])
    assert (second["expected_start"], second["why"]) == (3e9, "It waits for CPU-1.")


def test_list_in_a_pipe_is_plain_aligned_text(add: Callable[..., int], shell: Shell, store: Store) -> None:
    add("short")
    add("a-much-longer-name")
    states.succeed(store, 1, **{"mAP50-95(B)": 0.612})
    header, first, second = shell("list").stdout.splitlines()
    assert header.index("name") == first.index("short") == second.index("a-much-longer-name")
    assert header.split()[:5] == ["id", "state", "prio", "name", "group"]
    assert first.split()[:4] == ["1", "succeeded", "P2", "short"]
    assert "10/10" in first
    assert "mAP50-95 0.612" in first
    assert "\x1b" not in header + first + second


def test_list_tells_whose_jobs_they_are_where_several_people_have_some(
    add: Callable[..., int], shell: Shell, store: Store
) -> None:
    add("mine")
    assert "owner" not in shell("list").stdout
    spec = JobSpec(name="hers", kind=Kind.COMMAND, command=("true",))
    store.verbs.submit([Submission(spec=spec)], Actor("anna", 4711))
    header, mine, hers = shell("list").stdout.splitlines()
    at = header.index("owner")
    assert (mine[at:].split()[0], hers[at:].split()[0]) == (Actor.current().name, "anna")
    assert "owner" not in shell("list", "hers").stdout


def test_list_filters(add: Callable[..., int], shell: Shell, store: Store) -> None:
    for name in ("a", "b", "c"):
        add(name, "--group", "g" if name == "c" else "h")
    states.fail(store, 1)

    def names(*words: str) -> list[str]:
        return [job["name"] for job in shell.json("list", *words)["jobs"]]

    assert names("--state", "failed") == ["a"]
    assert names("--state", "failed", "--state", "waiting") == ["a", "b", "c"]
    assert names("--group", "g") == names("@g") == ["c"]
    assert names("2-9", "a") == ["b", "c", "a"]
    assert shell("list", "--state", "sleeping").exit_code == 2
    assert shell("list", "nobody").exit_code == 3


def test_show_has_every_epoch_once_over_all_attempts(add: Callable[..., int], shell: Shell, store: Store) -> None:
    job_id = add("a")
    states.start(store, job_id)
    states.end(store, job_id, Waiting(0.0), outcome=Outcome.FAILED, signal=9)
    states.start(store, job_id, resumed_from_epoch=1)
    run = Path(store.read.job(job_id).run_dir)
    told = {1: [(1, 0.1, 100.0), (2, 0.2, 110.0)], 2: [(2, 0.25, 210.0), (3, 0.3, 220.0)]}
    for number, rows in told.items():
        events: list[dict[str, object]] = [{"t": 90.0 * number, "event": "start", "epochs": 10}]
        if number == 2:
            events[0]["resumed_from_epoch"] = 1
        events += [
            {"t": t, "event": "epoch", "epoch": epoch, "epochs": 10, "epoch_s": 10.0,
             "metrics": {"metrics/mAP50-95(B)": value, "val/box_loss": None}, "fitness": value, "best_fitness": value,
             "best_epoch": epoch}
            for epoch, value, t in rows
        ]  # fmt: skip
        folder = run / f"attempt-{number}"
        folder.mkdir(parents=True)
        (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    job = shell.json("show", "a")["job"]
    assert job.keys() == JOB_KEYS | {"batch", "deadline_at", "estimate", "history", "preflight", "provenance"}
    assert [row["epoch"] for row in job["history"]] == [1, 2, 3]
    assert [row["metrics"]["metrics/mAP50-95(B)"] for row in job["history"]] == [0.1, 0.25, 0.3]
    elapsed = [row["elapsed_s"] for row in job["history"]]
    assert elapsed == sorted(elapsed)
    assert [a["state"] for a in job["attempts"]] == ["failed", "running"]
    assert [a["signal"] for a in job["attempts"]] == [9, None]
    text = shell("show", "a").stdout
    assert "SIGKILL" in text
    assert "epochs=10" in text


def test_findings_are_told_in_words_the_worst_first(add: Callable[..., int], shell: Shell, store: Store) -> None:
    job_id = add("a")
    states.start(store, job_id)
    findings = tuple(
        Finding(rule=rule, severity=severity, epoch=7, text=f"{rule} is seen.", advice="Mend it.", told=told)
        for rule, severity, told in (
            ("plateau", Severity.INFO, True),
            ("over-fitting", Severity.WARNING, True),
            ("no-number", Severity.ERROR, False),
        )
    )
    progress = msgspec.structs.replace(store.read.job(job_id).progress, epochs_done=9, findings=findings)
    store.ledger.record_progress([(job_id, 1, progress)])
    assert [each["rule"] for each in shell.json("list")["jobs"][0]["health"]] == ["over-fitting", "plateau"]
    assert "warning: over-fitting since epoch 7" in shell("list").stdout
    (asked,) = shell.json("why", "a")["why"]
    assert asked["health"][0]["reason"] == reason_for("over-fitting")
    assert "warning: over-fitting is seen. Mend it. (since epoch 7" in shell("why", "a").stdout
    text = shell("show", "a").stdout
    warning = text.index(
        "health     warning: over-fitting is seen. Mend it. (since epoch 7, docs/health.md#over-fitting)"
    )
    assert warning < text.index("info: plateau is seen. Mend it.")
    assert "no-number" not in text
    states.end(store, job_id, Failed(2e9, "exit", "It broke."), outcome=Outcome.FAILED, exit_code=1)
    assert "over-fitting" not in shell("list").stdout


def test_show_as_json_tells_how_batches_went(add: Callable[..., int], shell: Shell, store: Store) -> None:
    job_id = add("a")
    states.start(store, job_id)
    run = Run(Path(store.read.job(job_id).run_dir))
    run.begin()
    timing = {"wait_s": 0.03, "compute_s": 0.09, "images_per_s": 133.0, "gradient_norm": 2.5}
    run.tell("batch", epoch=1, batch=4, batches=8, losses={"box_loss": 1.2}, lr={"pg0": 0.01}, **timing)
    run.epoch(1)
    job = shell.json("show", "a")["job"]
    assert timing.items() <= job["batch"].items()
    assert (job["batch"]["losses"], job["batch"]["lr"]) == ({"box_loss": 1.2}, {"pg0": 0.01})
    assert job["history"][0]["pace"] == {**timing, "wait_share": 0.25, "memory_bytes": None}


def test_show_as_json_is_about_one_job(add: Callable[..., int], shell: Shell) -> None:
    add("a")
    add("b")
    assert shell("show", "1-2").exit_code == 0
    assert shell("show", "1-2", "--json").exit_code == 2


def test_why_forecast_and_gpus_tell_what_the_leader_published(
    add: Callable[..., int], shell: Shell, store: Store
) -> None:
    running, waiting = add("a"), add("b")
    assert "No scheduler has looked" in shell("why", "b").stdout
    assert shell.json("forecast")["forecast"] == {"at": None, "entries": []}
    assert shell.json("gpus")["gpus"] == []
    states.start(store, running)
    publish(store, running, waiting)
    assert shell("why", "b").stdout == "2  b is waiting. It waits for CPU-1.\n"
    (reason,) = shell.json("why", "b")["why"]
    assert (reason["id"], reason["name"], reason["state"], reason["why"]) == (2, "b", "waiting", "It waits for CPU-1.")
    entries = shell.json("forecast")["forecast"]["entries"]
    started_at = store.read.job(running).attempts[0].started_at
    assert [(each["name"], each["expected_start"]) for each in entries] == [("a", started_at), ("b", 3e9)]
    assert entries[0]["start_interval"] == [started_at, started_at]
    assert shell.json("show", "a")["job"]["expected_start"] == started_at
    assert [each["estimate"] for each in entries] == [
        {"remaining_s": 60.0, "source": "guess", "early_stop": 0.0},
        None,
    ]
    slot, card = shell.json("gpus")["gpus"]
    assert (slot["uuid"], slot["state"], slot["jobs"]) == ("CPU-1", "busy", [1])
    assert (card["state"], card["reason"], card["memory_total_bytes"]) == (
        "foreign",
        "used by process 7 of eve",
        1024**3,
    )
    assert "used by process 7 of eve" in shell("gpus").stdout
    states.end(store, running, Failed(1.0, "oom", "It ran out of memory."), outcome=Outcome.FAILED)
    assert shell("why", "a").stdout == "1  a is failed. It ran out of memory. `yolotui retry 1` tries it again.\n"
    assert shell.json("why", "a")["why"][0]["remedy"] == "`yolotui retry 1` tries it again."


def test_an_estimate_says_where_it_comes_from(add: Callable[..., int], shell: Shell, store: Store) -> None:
    add("a", "--estimate", "2h")
    assert "2h, what its owner said" in shell("show", "a").stdout
    states.start(store, 1)
    publish(store, 1, 2)
    assert "1m left, guess" in shell("show", "a").stdout
    assert "estimate 1m left, guess" in shell("why", "-v", "a").stdout
    assert "estimate" not in shell("why", "a").stdout


def test_a_held_job_says_what_lets_it_go(add: Callable[..., int], shell: Shell) -> None:
    add("a", "--hold")
    sentence = "Held at submit: `yolotui release 1` lets it go."
    assert shell("why", "a").stdout == f"1  a is held. {sentence}\n"
    (told,) = shell.json("why", "a")["why"]
    assert (told["why"], told["remedy"]) == (sentence, "`yolotui release 1` lets it go.")


def test_a_held_group_is_the_reason(add: Callable[..., int], shell: Shell) -> None:
    add("a", "--group", "g")
    shell("hold", "@g", "--reason", "card is hot")
    assert shell.json("list")["jobs"][0]["why"] == (
        "Its group g is held (card is hot): `yolotui release @g` lets it go."
    )
    assert shell.json("why", "a")["why"][0]["remedy"] == "`yolotui release @g` lets it go."


def test_names_cannot_steer_a_terminal(shell: Shell, store: Store) -> None:
    spec = JobSpec(name="a\x1b[2J\n[red]\u202eb\x9b", kind=Kind.COMMAND, command=("true",))
    store.verbs.submit([Submission(spec=spec)], Actor("eve\x07", 0))
    for words in (["list"], ["show", "1"], ["why", "1"], ["audit"]):
        out = shell(*words).stdout
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out), words
    assert "[red]" in shell("list").stdout
    assert shell.json("list")["jobs"][0]["name"] == spec.name


def test_audit_tells_who_did_what_and_why(
    add: Callable[..., int], shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOLOTUI_USER", "anna")
    add("a")
    add("b")
    shell("priority", "P0", "b", "--reason", "customer waits")
    newest = shell.json("audit")["audit"][-1]
    assert (newest["actor"], newest["verb"], newest["job"], newest["reason"]) == (
        "anna",
        "priority",
        2,
        "customer waits",
    )
    assert {row["job"] for row in shell.json("audit", "1")["audit"]} == {1}
    assert len(shell.json("audit", "-n", "2")["audit"]) == 2


def test_numbers_that_json_lacks_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_document("numbers", [float("nan"), float("inf"), 0.5])
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "numbers": [None, None, 0.5]}


def test_locate(add: Callable[..., int], shell: Shell, store: Store) -> None:
    job_id = add("a")
    assert shell("locate", "queue").stdout == f"{shell.home.queue}\n"
    assert shell("locate", "a").stdout == f"{store.read.job(job_id).run_dir}\n"
    assert shell.json("locate")["locations"]["home"] == str(shell.home.root)
    assert shell("locate", "nobody").exit_code == 3


def test_config_shows_checks_and_describes_itself(shell: Shell) -> None:
    shell.home.config.write_text('[gpus]\nignore_below = "1GiB"\n[ui]\nrefresh = 2\n')
    shown = shell("config", "show").stdout
    assert "ignore_below = 1073741824" in shown
    assert shell.json("config", "show")["config"]["ui"] == {"theme": None, "refresh": 2.0}
    assert shell("config", "check").exit_code == 0
    assert "gpus" in msgspec.json.decode(shell("config", "schema").stdout)["properties"]
    # What is shown is itself a configuration.
    shell.home.config.write_text(shown)
    assert shell("config", "show").stdout == shown
    shell.home.config.write_text("[gpus]\nignore_bellow = 3\n")
    refused = shell("config", "check")
    assert refused.exit_code == 2
    assert "config.toml:2" in refused.stderr
    assert "ignore_below" in refused.stderr


def test_doctor_looks_and_says(shell: Shell) -> None:
    findings = shell.json("doctor")["findings"]
    assert {"name", "level", "text", "advice"} == findings[0].keys()
    assert any(finding["name"] == "queue" and finding["level"] == "ok" for finding in findings)
    shell.home.config.write_text("[nonsense]\n")
    broken = shell("doctor")
    assert broken.exit_code == 1
    assert "nonsense" in broken.stdout


def test_doctor_claims_a_home_that_was_moved_here(shell: Shell, store: Store) -> None:
    assert shell("doctor", "--claim-home").exit_code == 4  # somebody leads: it is ours
    lonely = Shell(type(shell.home)(shell.home.root.parent / "moved"))
    with Store(lonely.home) as moved, moved._database.write(Actor.current()) as write:
        write.execute("UPDATE queue SET machine = 'elsewhere'")
    assert lonely("list").exit_code == 5
    claimed = lonely("doctor", "--claim-home", "--yes")
    assert "belonged to elsewhere" in claimed.stderr
    assert lonely("list").exit_code == 0


def test_who_has_to_make_room_says_for_whom_and_what_it_loses(
    add: Callable[..., int], shell: Shell, store: Store
) -> None:
    job = add("night")
    states.start(store, job)
    notice = Notice(given_at=time.time(), due_at=time.time(), for_job=7, loses_s=960.0, why="Job 7 needs its GPU.")
    assert store.ledger.give_notice(job, notice)
    told = shell("why", "night").stdout
    assert "night is running. Makes room for job 7 (" in told
    assert "It loses about 16 min of its work" in told
    assert store.ledger.evict(job, notice)
    assert "night is pausing. Makes room for job 7 (" in shell("why", "night").stdout
