"""What Prometheus sees: every figure of a queue that is known, under the name that alerts and boards ask for."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.states import end, fail, publish, reach, start
from tests.scheduler.conftest import Rig
from tests.store.builders import ANNA, submission, training
from tests.telemetry.writing import Run
from yolotui.cli.main import cli
from yolotui.core.gpus import Lost
from yolotui.core.health import Finding, Severity
from yolotui.core.jobs import Outcome, Priority, Waiting
from yolotui.errors import NotPossible, WrongUse
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.metrics.exporting import openness, read_address, serving, text, write_textfile
from yolotui.store import Store

EXAMPLES = Path(__file__).parents[2] / "examples" / "monitoring"
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with Store(home) as store:
        yield store


def series(told: str) -> Series:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }


def value(found: Series, name: str, /, **labels: str) -> float:
    """The one sample of that name with these labels among its own."""
    (answer,) = [v for (n, own), v in found.items() if n == f"yolotui_{name}" and labels.items() <= set(own)]
    return answer


def a_night(store: Store) -> tuple[int, int]:
    """A running training with everything that can be known of it, one that waits, one that failed, one that was."""
    names = ("night", "late", "broken")
    night, late, broken = (
        store.verbs.submit([submission(training(name, deadline="in 1h"), priority=Priority.P1)], ANNA)[0]
        for name in names
    )
    fail(store, broken)
    start(store, night, gpus=("GPU-0",))
    reach(store, night, 3, **{"mAP50-95(B)": 0.25})
    job = store.read.job(night)
    finding = Finding(rule="plateau", severity=Severity.WARNING, epoch=3, text="No gain.", advice="Stop.", told=True)
    store.ledger.record_progress([(night, 1, replace(job.progress, findings=(finding,)))])
    run = Run(Path(job.run_dir))
    run.now = time.time()
    run.begin()
    run.epoch(3)
    run.tell("batch", epoch=4, batch=7, batches=20, losses={"box_loss": 1.5}, lr={}, images_per_s=123.0)
    published = publish(store, 2, at=time.time())
    first, second = published.host.gpus
    gpus = (
        replace(first, temperature_c=71, power_w=250.0, utilization_percent=90, memory_used_bytes=8 << 30),
        replace(second, availability=Lost("fell off the bus")),
    )
    host = replace(published.host, gpus=gpus)
    store.ledger.publish(replace(published, host=host, world=replace(published.world, gpus=gpus)))
    return night, late


def test_every_figure_that_is_known_is_told(store, home):
    night, late = a_night(store)
    lock = Lock(home.scheduler_lock)
    assert lock.acquire()
    found = series(text(home))
    lock.release()
    of_night = {"job_id": str(night), "name": "night", "group": "default", "owner": "anna"}
    assert value(found, "up") == value(found, "leader_up") == 1
    assert 0 <= value(found, "published_age_seconds") < 60
    assert value(found, "jobs", state="running") == value(found, "jobs", state="waiting") == 1
    assert value(found, "queue_depth", priority="P1") == 1
    assert value(found, "queue_depth", priority="P0") == 0
    assert value(found, "queue_oldest_wait_seconds", priority="P1") > 0
    assert value(found, "attempts_ended_total", outcome="failed", cause="") == 1
    assert value(found, "gpu_temperature_celsius", index="0") == 71
    assert value(found, "gpu_power_watts", gpu="GPU-0") == 250
    assert value(found, "gpu_utilization_ratio", index="0") == 0.9
    assert value(found, "gpu_memory_used_bytes", index="0") == 8 << 30
    assert value(found, "gpu_state", index="0", state="leased") == value(found, "gpu_jobs", index="0") == 1
    assert value(found, "gpu_state", index="1", state="lost") == 1
    assert value(found, "gpu_state", index="1", state="free") == 0
    assert value(found, "run_epoch", **of_night) == 3
    assert value(found, "run_epochs_planned", **of_night) == 10
    assert value(found, "run_best", metric="mAP50-95(B)", **of_night) == 0.25
    assert value(found, "run_loss", loss="box", **of_night) == 1.5
    assert value(found, "run_images_per_second", **of_night) == 123
    assert abs(value(found, "run_last_sign_timestamp_seconds", **of_night) - time.time()) < 60
    assert value(found, "run_findings", severity="warning", **of_night) == 1
    assert value(found, "job_deadline_timestamp_seconds", job_id=str(late)) > time.time()
    assert value(found, "job_expected_finish_timestamp_seconds", job_id=str(night)) > time.time()


def test_a_counter_never_falls_when_an_attempt_is_tried_again(store, home):
    night, _ = a_night(store)
    before = series(text(home))
    end(store, night, Waiting(time.time()), outcome=Outcome.FAILED, cause="gpu_memory")
    after = series(text(home))
    assert value(after, "attempts_ended_total", cause="gpu_memory") == 1
    assert all(after[key] >= count for key, count in before.items() if key[0].endswith("_total"))


def test_names_and_help_keep_to_the_conventions(store, home):
    a_night(store)
    told = text(home)
    names = set(re.findall(r"^# TYPE (\S+)", told, re.MULTILINE))
    assert len(names) > 20
    assert all(re.fullmatch(r"yolotui_[a-z]+(_[a-z]+)*", name) for name in names)
    assert names == set(re.findall(r"^# HELP (\S+) \S", told, re.MULTILINE))
    if promtool := shutil.which("promtool"):
        checked = subprocess.run(
            [promtool, "check", "metrics"], check=False, input=told, capture_output=True, text=True
        )
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_a_queue_that_can_not_be_read_is_down_and_nothing_else(home):
    home.create()
    home.queue.write_bytes(b"this is no database" * 100)
    assert series(text(home)) == {("yolotui_up", frozenset()): 0.0}


def test_it_answers_over_http_on_loopback(store, home):
    a_night(store)
    with serving(home, ":0") as port, urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert value(series(answer.read().decode()), "queue_depth", priority="P1") == 1


def test_an_address_that_is_taken_is_said(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(NotPossible, match="can't be served"), serving(home, f":{taken.getsockname()[1]}"):
            pass


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("127.0.0.1:9877", ("127.0.0.1", 9877)),
        ("9877", ("127.0.0.1", 9877)),
        (":9877", ("127.0.0.1", 9877)),
        ("[::1]:9877", ("::1", 9877)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
    ],
)
def test_an_address_without_a_host_is_loopback(written, read):
    assert read_address(written) == read


@pytest.mark.parametrize("written", ["", "localhost", "x:99999", "http://127.0.0.1:9877"])
def test_what_is_no_address_is_refused(written):
    with pytest.raises(WrongUse, match="no address for metrics"):
        read_address(written)


def test_the_scheduler_answers_while_it_leads(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Rig(Home(tmp_path / "live"), "cpu:1") as rig:
        rig.lead("--metrics", f"127.0.0.1:{port}")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert value(series(answer.read().decode()), "leader_up") == 1


def test_a_file_for_node_exporter_is_whole_and_must_be_called_so(store, home, tmp_path):
    a_night(store)
    file = tmp_path / "yolotui.prom"
    write_textfile(home, file)
    assert value(series(file.read_text()), "run_epoch") == 3
    assert [path.name for path in tmp_path.glob("yolotui.prom*")] == ["yolotui.prom"]
    with pytest.raises(WrongUse, match=r"\.prom"):
        write_textfile(home, tmp_path / "yolotui.txt")
    with pytest.raises(NotPossible, match="can't be written"):
        write_textfile(home, tmp_path / "nowhere" / "yolotui.prom")


def test_the_verb_prints_them(store, home, monkeypatch):
    monkeypatch.setenv("YOLOTUI_HOME", str(home.root))
    result = CliRunner().invoke(cli, ["metrics"])
    assert value(series(result.stdout), "up") == 1


def asked_for(expression: str) -> set[str]:
    return set(re.findall(r"yolotui_[a-z_]+", expression))


def exported(home: Home) -> set[str]:
    told = text(home)
    return {name for name, _ in series(told)} | set(re.findall(r"^# TYPE (\S+)", told, re.MULTILINE))


def test_every_query_of_the_board_and_of_the_alerts_asks_for_what_is_exported(store, home):
    a_night(store)
    board = json.loads((EXAMPLES / "grafana-board.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((EXAMPLES / "alerts.yaml").read_text())["groups"][0]["rules"]
    queries += [rule["expr"] for rule in rules]
    assert len(queries) > 20
    assert all(asked_for(query) for query in queries)
    assert set().union(*map(asked_for, queries)) <= exported(home)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian's package prometheus) is not installed")
@pytest.mark.parametrize(
    "command",
    [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"], ["check", "config", "prometheus.yaml"]],
)
def test_promtool_finds_the_rules_right_and_they_fire(command):
    checked = subprocess.run(["promtool", *command], check=False, cwd=EXAMPLES, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("address", "is_told"),
    [("9877", False), ("127.0.0.1:1", False), ("[::1]:1", False), ("localhost:1", False), ("0.0.0.0:1", True),
     ("[::]:1", True), ("gpu-host:1", True)],
)  # fmt: skip
def test_an_address_that_others_reach_is_told(address: str, is_told: bool) -> None:
    assert ("open to the network" in openness(address)) == is_told
