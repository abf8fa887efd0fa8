"""The report of a night: every figure from the queue, as text, as Markdown, as a page that is whole by itself."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from base64 import b64decode
from datetime import UTC, datetime

import pytest

from tests.cli.states import end, publish, start
from tests.report.links import Links
from tests.store.builders import submission, training
from yolotui.cli.moments import read_past_moment
from yolotui.core.jobs import Failed, Outcome, Succeeded
from yolotui.errors import WrongUse
from yolotui.store import Actor, Store
from yolotui.units import moment


def test_it_tells_what_ran_what_broke_and_what_it_cost(shell, night):
    told = shell("report", "--since", "2h").stdout
    assert "night|<b>" in told
    assert "mAP50-95(B)" in told
    assert "0.4321" in told
    assert "Out of memory." in told
    assert "Out of memory. Then: continued after epoch 3, succeeded." in told
    assert "waited for other jobs" in told
    assert "#7 : It comes after job 3." in told
    assert "GPU 1  given" in told
    assert "By project" in told
    assert "kWh" in told
    assert "EUR" in told


@pytest.mark.parametrize("form", ["--markdown", "--json"])
def test_a_password_in_the_last_words_of_what_broke_goes_no_further(shell, add, form):
    job, said = add("fetch"), "Its last words: “no such file: ftp://anna:hunter2@data.lab/scans”"
    an_hour_ago = time.time() - 3600
    with Store(shell.home, clock=lambda: an_hour_ago) as earlier:
        start(earlier, job, gpus=("GPU-0",))
        failed = Failed(an_hour_ago, "exit_code", said)
        end(earlier, job, failed, outcome=Outcome.FAILED, cause="exit_code", explanation=said)
    told = shell("report", "--since", "2h", form).stdout
    assert "no such file" in told
    assert "hunter2" not in told


def test_the_document_has_every_part(shell, night):
    report = shell.json("report", "--since", "2h")["report"]
    assert [run["job_id"] for run in report["usage"]["runs"]] == [night]
    assert {strip["gpu"] for strip in report["strips"]} == {"GPU-0", "GPU-1"}
    assert all(len(strip["given"]) == len(strip["computed"]) == 96 for strip in report["strips"])
    (crash,) = report["crashes"]
    assert (crash["attempt"], crash["cause"]) == (1, "gpu_memory")
    assert report["energy"]["total_kwh"] > 0
    (of_the_other,) = (gap for gap in report["gaps"] if gap["gpu"] == "GPU-1")
    assert (of_the_other["cause"], of_the_other["job"]) == ("waited for other jobs", 7)
    for charged in ("by_owner", "by_group", "by_project"):
        (charge,) = report[charged]
        assert charge["gpu_s"] == pytest.approx(report["total"]["gpu_s"])
        assert charge["cost"] == pytest.approx(charge["gpu_s"] / 3600 * 2 + charge["kwh"] * 0.5)
    assert report["curves"][0]["points"][-1] == [10, 0.1]
    assert report["costs"] == {"kwh": 0.5, "gpu_hour": 2.0, "currency": "EUR"}
    assert report["foresight"]["starts"] == 0


def test_markdown_keeps_its_tables_whatever_a_job_is_called(shell, night):
    told = shell("report", "--since", "2h", "--markdown").stdout
    assert r"night\|\<b\>" in told
    rows = [line for line in told.splitlines() if line.startswith("|")]
    assert {row.replace(r"\|", "").count("|") for row in rows} <= {4, 5, 6, 10}
    assert "```text\nGPU 0" in told


def test_the_page_needs_nothing_else_and_takes_no_markup_from_names(shell, night, tmp_path):
    file = tmp_path / "night.html"
    result = shell("report", "--since", "2h", "--html", str(file))
    assert result.exit_code == 0
    assert str(file) in result.stderr
    text = file.read_text()
    links = Links()
    links.feed(text)
    assert links.loads == []
    assert {"svg", "table", "h1"} <= links.seen
    assert not {"script", "b", "img"} & links.seen
    assert "night|&lt;b&gt;" in text
    charts = [ET.fromstring(part.split("</svg>")[0].join(("<svg", "</svg>"))) for part in text.split("<svg")[1:]]
    assert len(charts) == 3  # two cards, the curves


def test_names_are_whole_on_the_page_however_long(shell, store, tmp_path):
    owner, now = "a-very-long-name-of-somebody-with-many-letters", time.time()
    publish(store, 1, at=now, name="NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition")
    (job,) = store.verbs.submit([submission(training("night-" * 20))], Actor(owner, 1))
    with Store(shell.home, clock=lambda: now - 600) as earlier:
        start(earlier, job, gpus=("GPU-0",))
        end(earlier, job, Succeeded(now))
    file = tmp_path / "night.html"
    shell("report", "--since", "2h", "--html", str(file))
    text = file.read_text()
    assert f">{owner}</td>" in text
    assert f">{'night-' * 20}</td>" in text
    assert "<span>0 NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition</span>" in text


def test_pictures_of_the_data_are_put_in_only_when_asked_for(shell, store, night, tmp_path):
    drawn = shell.home.runs / store.read.job(night).run_dir / "train"
    drawn.mkdir()
    (drawn / "labels.jpg").write_bytes(b"\xff\xd8 labels")
    (drawn / "val_batch0_pred.jpg").write_bytes(b"\xff\xd8 pred")
    file = tmp_path / "night.html"
    shell("report", "--since", "2h", "--html", str(file))
    assert "data:image" not in file.read_text()
    shell("report", "--since", "2h", "--html", str(file), "--pictures")
    links = Links()
    links.feed(file.read_text())
    assert [load.partition(",")[0] for load in links.loads] == ["data:image/jpeg;base64"] * 2
    assert b64decode(links.loads[0].partition(",")[2]) == b"\xff\xd8 labels"
    assert shell("report", "--pictures").exit_code == 2


def test_a_run_without_pictures_is_no_trouble(shell, night, tmp_path):
    file = tmp_path / "night.html"
    assert shell("report", "--since", "2h", "--html", str(file), "--pictures").exit_code == 0
    assert "No run of this time has any" in file.read_text()


def test_an_empty_home_has_a_report_too(shell):
    told = shell("report", "--since", "week").stdout
    assert "Nothing ran" in told
    assert "Nothing broke" in told


def test_what_can_not_be_is_refused(shell, tmp_path):
    assert shell("report", "--since", "soon").exit_code == 2
    assert shell("report", "--since", "1h", "--until", "2h").exit_code == 2
    assert shell("report", "--markdown", "--json").exit_code == 2
    assert shell("report", "--html", str(tmp_path / "nowhere" / "x.html")).exit_code == 4


def test_times_that_have_been_are_read_as_people_say_them():
    now = moment("2026-11-18 10:00", 0.0)  # a Wednesday

    def at(said: str) -> float:
        return read_past_moment(said, "--since", now)

    assert at("yesterday 18:00") == moment("2026-11-17 18:00", 0.0)
    assert at("18:00") == moment("2026-11-17 18:00", 0.0)
    assert at("09:00") == at("today 09:00") == moment("2026-11-18 09:00", 0.0)
    assert at("Mon 18:00") == moment("2026-11-16 18:00", 0.0)
    assert at("8h") == at("8h ago") == now - 8 * 3600
    assert at("2026-11-01 06:00") == moment("2026-11-01 06:00", 0.0)
    assert at("today") == moment("2026-11-18 00:00", 0.0)
    assert at("yesterday") == moment("2026-11-17 00:00", 0.0)
    assert at("2026-11-01") == moment("2026-11-01 00:00", 0.0)
    assert at("2026-11-17T18:00Z") == datetime(2026, 11, 17, 18, tzinfo=UTC).timestamp()
    assert at("now") == now
    with pytest.raises(WrongUse, match="says no unit"):
        at("18")
    for ahead in ("tomorrow 08:00", "today 23:00", "2027-01-01 00:00", "in 2h"):
        with pytest.raises(WrongUse, match="has not been yet"):
            at(ahead)
    with pytest.raises(WrongUse, match=r"is not a time: write .* 2026-11-30, yesterday"):
        at("soon")


@pytest.mark.usefixtures("central_europe")
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("yesterday 18:00", "2026-03-29T18:00+02:00"),
        ("yesterday", "2026-03-29T00:00+01:00"),
        ("18:00", "2026-03-29T18:00+02:00"),
        ("Sat 18:00", "2026-03-28T18:00+01:00"),
        ("night", "2026-03-29T18:00+02:00"),
        ("week", "2026-03-24T00:00+01:00"),
    ],
)
def test_days_are_those_of_the_calendar_where_summer_time_begins(said, meant):
    now = datetime.fromisoformat("2026-03-30T00:30+02:00").timestamp()
    assert read_past_moment(said, "--since", now) == datetime.fromisoformat(meant).timestamp()
