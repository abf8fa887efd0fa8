"""What `--batch` shows while jobs go on: lines in a pipe, a table on a terminal. Frozen jobs, a clock of our own."""

from __future__ import annotations

import io
from typing import cast

import msgspec
import pytest
from rich.console import Console

from yolotui.cli import live
from yolotui.cli.following import Following
from yolotui.cli.lines import LineView
from yolotui.cli.printing import Table, plain_lines
from yolotui.cli.surroundings import Surroundings
from yolotui.cli.words import best_text, resumption_text, run_time_text
from yolotui.core.jobs import (
    Attempt,
    Failed,
    Job,
    JobSpec,
    Kind,
    Outcome,
    Owner,
    Priority,
    Progress,
    Running,
    Starting,
    Status,
    Succeeded,
    Waiting,
)
from yolotui.core.preflight import Checking
from yolotui.core.timetable import Entry, Why

NOW = 1_000_000.0


def job(job_id: int, status: Status, *attempts: Attempt, name: str = "") -> Job:
    spec = JobSpec(name=name or f"job-{job_id}", kind=Kind.TRAIN, arguments={"epochs": 10})
    return Job(
        id=job_id, spec=spec, priority=Priority.P2, owner=Owner("anna", 0), submitted_at=NOW - 900, status=status,
        run_dir="/runs/x", attempts=attempts,
    )  # fmt: skip


def running(job_id: int, epochs: int, mean_precision: float = 0.31) -> Job:
    progress = Progress(epochs_done=epochs, epochs_total=10, last={"metrics/mAP50-95(B)": mean_precision})
    return job(job_id, Running(NOW - 90, 1), Attempt(number=1, uuid="u", started_at=NOW - 90, progress=progress))


KILLED = Attempt(number=1, uuid="u", started_at=NOW - 300, ended_at=NOW - 200, signal=9, outcome=Outcome.FAILED)
RESUMED = Attempt(
    number=2, uuid="v", started_at=NOW - 90, resumed_from_epoch=4, progress=Progress(epochs_done=6, epochs_total=10)
)


class Watched:
    """Stands for a Following: the jobs as they are now, and what is known around them."""

    def __init__(self, *jobs: Job, **entries: Entry) -> None:
        self.jobs = list(jobs)
        self.around = Surroundings(None, {entry.job_id: entry for entry in entries.values()}, {})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def show(view: LineView | live.LiveView, watched: Watched, *changed: Job) -> None:
    view.show(cast("Following", watched), changed)


def test_why_a_job_waits_is_told_when_its_check_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    view, waiting = LineView(clock=Clock()), job(1, Waiting(NOW))
    checked = Entry(job_id=1, why=Why("Job 3 goes first."))
    checking = msgspec.structs.replace(checked, checking=Checking(1, 4))
    show(view, Watched(waiting, entry=checking), waiting)
    show(view, Watched(waiting, entry=checking))
    show(view, Watched(waiting, entry=checked))
    show(view, Watched(waiting, entry=checked))
    during, after = capsys.readouterr().out.splitlines()
    assert "25 % (1 of 4 images)" in during
    assert after.endswith("waiting: Job 3 goes first.")


def test_a_line_for_each_state_and_epochs_not_too_often(capsys: pytest.CaptureFixture[str]) -> None:
    clock, watched = Clock(), Watched()
    view = LineView(clock=clock)
    for each in (job(1, Waiting(NOW)), job(1, Starting(NOW, 1)), running(1, 0), running(1, 1), running(1, 2)):
        show(view, watched, each)
    assert capsys.readouterr().out.splitlines() == ["1 job-1 waiting", "1 job-1 running epoch 0/10 mAP50-95 0.31"]
    clock.now += 10
    show(view, watched)  # nothing has changed since, but two epochs are still untold: the newest is told
    show(view, watched, running(1, 2))
    assert capsys.readouterr().out == "1 job-1 running epoch 2/10 mAP50-95 0.31\n"
    ended = msgspec.structs.replace(running(1, 10), status=Succeeded(NOW))
    show(view, watched, ended)
    assert capsys.readouterr().out == "1 job-1 succeeded epoch 10/10 took 1m30s\n"


def test_a_resumption_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    view, watched = LineView(clock=Clock()), Watched()
    show(view, watched, job(1, Running(NOW, 1), KILLED))
    show(view, watched, job(1, Running(NOW, 2), KILLED, RESUMED))
    told = capsys.readouterr().out.splitlines()
    assert told[1:] == ["1 job-1 running epoch 6/10 resumed from epoch 4 after SIGKILL"]


def test_whoever_comes_late_is_not_told_old_resumptions(capsys: pytest.CaptureFixture[str]) -> None:
    show(LineView(clock=Clock()), Watched(), job(1, Running(NOW, 2), KILLED, RESUMED))
    assert "resumed" not in capsys.readouterr().out


def drawn(watched: Watched, *, columns: int, rows: int = 20) -> list[str]:
    out = Console(width=columns, file=io.StringIO(), color_system=None)
    out.print(live.picture(cast("Following", watched), NOW, rows=rows, columns=columns))
    text = cast("io.StringIO", out.file).getvalue()
    return text.splitlines()


FOUR = Watched(
    job(1, Succeeded(NOW - 5), Attempt(number=1, uuid="u", started_at=NOW - 65, outcome=Outcome.SUCCEEDED)),
    job(2, Running(NOW, 2), KILLED, RESUMED, name="a-name-that-is-much-too-long-for-any-terminal-that-people-use"),
    job(3, Waiting(NOW)),
    job(4, Failed(NOW, "oom", "It ran out of memory."), name="[red]\x1b[2J"),
    waiting=Entry(job_id=3, start_at=NOW + 600, why=Why("It comes after job 2.")),
)


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_the_table_fits_and_is_true(columns: int) -> None:
    lines = drawn(FOUR, columns=columns)
    assert all(len(line) <= columns for line in lines)
    headline, _, _, first, second, third, fourth = lines
    for words in ("1 waiting", "1 running", "1 succeeded", "1 failed"):
        assert words in headline
    assert "✓ succeeded" in first
    assert "6/10" in second
    assert "━" in second
    assert "from ~" in third
    assert "[red][2J" in fourth
    assert ("It comes after job 2." in third) == (columns >= live.WIDE)


def test_what_does_not_fit_is_counted_and_what_runs_is_kept() -> None:
    jobs = [job(i, Succeeded(NOW - i)) for i in range(1, 30)] + [running(30, 3)]
    shown = live.fitting(jobs, 5)
    assert [each.id for each in shown.jobs] == [30, 1, 2, 3, 4]
    assert shown.hidden == 25
    assert drawn(Watched(*jobs), columns=80, rows=5)[-1] == "and 25 more"


def test_resumptions_and_failures_stay_above_the_table() -> None:
    out = Console(width=100, height=24, file=io.StringIO(), force_terminal=True, color_system=None)
    before, after = job(1, Running(NOW, 1), KILLED), job(1, Running(NOW, 2), KILLED, RESUMED)
    with live.LiveView(out) as view:
        show(view, Watched(before), before)
        show(view, Watched(after), after)
    text = cast("io.StringIO", out.file).getvalue()
    assert text.count("1 job-1 running epoch 6/10 resumed from epoch 4 after SIGKILL") == 1


def test_words() -> None:
    assert resumption_text(job(1, Running(NOW, 2), KILLED, RESUMED), 2) == "resumed from epoch 4 after SIGKILL"
    # Ran 100 s, lay dead for 110 s, runs for 90 s: the gap doesn't count.
    assert run_time_text(job(1, Running(NOW, 2), KILLED, RESUMED), NOW) == "3m10s"
    best = Progress(best={"metrics/precision(B)": 0.9, "metrics/mAP50(B)": 0.8, "metrics/mAP50-95(B)": 0.6})
    attempt = Attempt(number=1, uuid="u", progress=best)
    assert best_text(job(1, Running(NOW, 1), attempt)) == "mAP50 0.8 mAP50-95 0.6"


def test_plain_tables_align_wide_letters() -> None:
    table = Table(("id", "name", "why"), right=frozenset({"id"}))
    table.add("7", "夜间", "")
    table.add("12", "night", "ok")
    assert plain_lines(table) == ["id  name   why", " 7  夜间   -", "12  night  ok"]
