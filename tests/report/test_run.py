"""The report of one run: how it went, what ended and what mended it, what it was made from; and no secrets."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.states import end, start
from tests.report.links import Links
from yolotui.core.gpus import Gpu, Host
from yolotui.core.health import Finding, Severity
from yolotui.core.jobs import Failed, JobSpec, Kind, Outcome, Progress
from yolotui.probe import Samples
from yolotui.store import Actor, Submission

MADE = {
    "versions": {"ultralytics": "8.4.190", "torch": "2.9.1"},
    "basis": {"data": "0123456789abcdef", "code": "fedcba9876543210 + 77aa"},
    "code": {"commit": "fedcba9876543210", "changed": True},
    "arguments": {"lr0": 0.01, "seed": 7, "hub_token": "hush"},
    "weights": {"best.pt": "5ca1ab1e", "last.pt": None},
}


@pytest.fixture
def run_dir(store, night) -> Path:
    return Path(store.read.job(night).run_dir)


@pytest.fixture
def made(run_dir) -> None:
    """Its newest attempt has written down what it was made from."""
    (run_dir / "attempt-2").mkdir()
    (run_dir / "attempt-2" / "provenance.json").write_text(json.dumps(MADE))


@pytest.mark.usefixtures("made")
def test_it_tells_how_a_run_went_and_what_it_was_made_from(shell, night):
    told = shell("report", str(night)).stdout
    assert told.startswith(f"Run {night}: night|<b>\n")
    assert "10 of 10 epochs. Best: mAP50-95(B) 0.4321." in told
    assert "in 2 attempts." in told
    assert "0.017 GPU-hours, 0.03 EUR." in told
    assert "It was resumed after epoch 3." in told
    assert "box_loss, training" in told
    assert "█▄▃▂▂▂" in told
    assert "Out of memory. Then: continued after epoch 3, succeeded." in told
    assert "fedcba987654 with changes 77aa" in told
    assert "0123456789ab" in told
    assert "lr0=0.01 seed=7 hub_token=…" in told
    assert "5ca1ab1e" in told
    assert "last.pt" not in told


@pytest.mark.usefixtures("made")
def test_the_document_has_every_part(shell, night):
    run = shell.json("report", "night|<b>")["run"]
    assert (run["id"], run["state"], run["gpu_s"]) == (night, "succeeded", pytest.approx(60))
    assert [row["epoch"] for row in run["history"]] == list(range(1, 11))
    assert len(run["waits_s"]) == len(run["attempts"]) == 2
    (crash,) = run["crashes"]
    assert (crash["attempt"], crash["cause"], crash["then"]) == (1, "gpu_memory", "continued after epoch 3, succeeded")
    assert run["weights"] == {"best.pt": "5ca1ab1e"}
    assert run["made_from"]["torch"] == "2.9.1"
    assert run["in_force"] == {"lr0": 0.01, "seed": 7, "hub_token": "…"}
    assert run["kwh"] is None
    assert run["cost"] == pytest.approx(60 / 3600 * 2)


def test_its_energy_is_told_as_far_as_it_was_measured(shell, store, night):
    """360 watts, known from ten seconds after its start until its end, fifty seconds later."""
    began_at = store.read.job(night).attempts[0].started_at
    gpu = Gpu(uuid="GPU-0", index=0, name="Tesla T4", kind="sim", memory_total_bytes=16 << 30, power_w=360.0)
    with closing(Samples(shell.home.samples)) as samples:
        samples.record(Host(at=began_at + 10, gpus=(gpu,)))
    run = shell.json("report", str(night))["run"]
    assert run["kwh"] == pytest.approx(360 * 50 / 3.6e6, rel=0.01)
    assert run["kwh_measured"] == pytest.approx(50 / 60, rel=0.01)
    assert run["cost"] == pytest.approx(60 / 3600 * 2 + run["kwh"] * 0.5)
    assert "0.005 kWh (measured for 83% of its time)" in shell("report", str(night)).stdout


def test_the_page_needs_nothing_else_and_marks_where_the_run_was_resumed(shell, night, tmp_path):
    file = tmp_path / "run.html"
    assert shell("report", str(night), "--html", str(file)).exit_code == 0
    text, links = file.read_text(), Links()
    links.feed(text)
    assert links.loads == []
    assert not {"script", "b", "img"} & links.seen
    assert "night|&lt;b&gt;" in text
    charts = [ET.fromstring(part.split("</svg>")[0].join(("<svg", "</svg>"))) for part in text.split("<svg")[1:]]
    assert [chart.attrib["aria-label"] for chart in charts] == ["Scores", "box_loss"]
    assert [len(chart.findall("polyline")) for chart in charts] == [1, 2]
    assert all(any("stroke-dasharray" in path.attrib for path in chart.findall("path")) for chart in charts)


def test_markdown_keeps_its_tables(shell, night):
    told = shell("report", str(night), "--markdown").stdout
    assert told.startswith(rf"# Run {night}: night\|\<b\>")
    tables = [part for part in told.split("\n\n") if part.startswith("|")]
    assert len(tables) == 3
    for table in tables:
        assert len({line.replace(r"\|", "").count("|") for line in table.splitlines()}) == 1


def test_findings_are_told_since_when_and_also_when_they_have_passed(shell, store, add):
    job = add("ill")
    start(store, job)
    for rule, epoch in (("plateau", 4), ("overfitting", 0)):
        finding = Finding(
            rule=rule, severity=Severity.WARNING, epoch=epoch, text=f"{rule} is seen.", advice="Stop.", told=True
        )
        store.ledger.record_progress([(job, 1, Progress(epochs_done=5, findings=(finding,)))])
    told = shell("report", str(job)).stdout
    rows = {line.split()[1]: line for line in told.splitlines() if line.startswith("warning")}
    assert "plateau is seen." in rows["plateau"]
    assert "It has passed." in rows["plateau"]
    assert "Stop." in rows["overfitting"]
    assert rows["plateau"].split()[2:4] == ["epoch", "4"]
    assert rows["overfitting"].split()[2:4] == ["the", "start"]


@pytest.mark.parametrize("form", [(), ("--markdown",), ("--html", "-")])
def test_no_secret_is_in_it(shell, store, form, tmp_path):
    spec = JobSpec(
        name="nightly", kind=Kind.COMMAND, env={"TOKEN": "hush1"}, arguments={"api_key": "hush2"},
        command=("sync", "--password", "hush3", "--api-token=hush4", "https://anna:hush5@host/x", "--epochs", "9"),
    )  # fmt: skip
    (job,) = store.verbs.submit([Submission(spec=spec, environment={})], Actor("anna", 1, "see https://a:hush6@h/"))
    start(store, job)
    why = "It ended with exit code 1. “no answer from https://anna:hush7@host/x”"
    end(store, job, Failed(2e9, "exit", why), outcome=Outcome.FAILED, cause="exit", explanation=why)
    file = tmp_path / "page.html"
    told = shell("report", str(job), *(str(file) if word == "-" else word for word in form))
    assert told.exit_code == 0, told.stderr
    said = file.read_text() if file.exists() else told.stdout
    assert "no answer from https://…@host/x" in said
    assert "epochs 9" in said
    assert "hush" not in said


def test_a_terminal_obeys_nothing_in_it(shell, store):
    spec = JobSpec(name="\x1b[31mred", kind=Kind.COMMAND, command=("echo", "\x1b]0;title\x07"))
    (job,) = store.verbs.submit([Submission(spec=spec, environment={})], Actor("anna", 1))
    for form in ((), ("--markdown",)):
        told = shell("report", str(job), *form).stdout
        assert "red" in told
        assert not {"\x1b", "\x07"} & set(told)


GARBLED = {
    "binary": b"\x00\xff\xfe,,,\n" * 50,
    "no figures": b"epoch,train/box_loss\nx,y\n,\n1,\n",
    "huge": b"epoch,train/box_loss,val/box_loss\n1,1e308,-1e308\n2,nan,inf\n3,-1e308,1e308\n4,1,2\n5,2,1\n",
    "strange epochs": b"epoch,metrics/mAP50(B)\n-3,1\n1e300,2\n0,3\n",
    "strange columns": b"epoch,train/<b>x</b>,train/\x1b[31m\n1,2,3\n2,3,4\n",
    "many columns": b"epoch" + b"".join(b",train/l%d" % n for n in range(500)) + (b"\n1" + b",2" * 500) * 3 + b"\n",
}


@pytest.mark.parametrize("content", GARBLED.values(), ids=GARBLED)
def test_whatever_lies_in_a_run_directory_there_is_a_report(shell, night, run_dir, content, tmp_path):
    shutil.rmtree(run_dir)
    (run_dir / "train").mkdir(parents=True)
    (run_dir / "train" / "results.csv").write_bytes(content)
    (run_dir / "attempt-2").mkdir()
    odd = {
        "versions": ["x"],
        "basis": 3,
        "code": {"commit": {}},
        "arguments": {"a": [1, {}]},
        "weights": {"best.pt": 1},
    }
    (run_dir / "attempt-2" / "provenance.json").write_text(json.dumps(odd))
    file = tmp_path / "run.html"
    assert shell("report", str(night), "--html", str(file)).exit_code == 0
    links = Links()
    links.feed(file.read_text())
    assert "b" not in links.seen
    assert "night|<b>" in shell("report", str(night)).stdout
    assert file.stat().st_size < 100_000


def test_a_run_without_a_directory_and_one_that_has_not_started_have_a_report_too(shell, night, run_dir, add):
    shutil.rmtree(run_dir)
    assert "There are no two epochs on record." in shell("report", str(night)).stdout
    assert "It has not started." in shell("report", str(add("later"))).stdout


def test_what_can_not_be_is_refused(shell, night, add):
    add("second")
    assert shell("report", str(night), "--since", "2h").exit_code == 2
    several = shell("report", "1-2")
    assert several.exit_code == 2
    assert "'1-2' means 2 jobs" in several.stderr
    unknown = shell("report", "unheard-of")
    assert unknown.exit_code != 0
    assert "No job matches 'unheard-of'" in unknown.stderr
