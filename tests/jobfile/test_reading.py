from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from yolotui.core.jobs import Gate, Kind, Priority
from yolotui.errors import WrongFile, WrongUse
from yolotui.jobfile import one_job, read
from yolotui.jobfile.drafts import TABLES
from yolotui.jobfile.fields import READERS

JOB = '[[job]]\nname = "a"\nmodel = "yolo11n.yaml"\ndata = "shapes.yaml"\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shapes.yaml").write_text("names: [a]\n")
    (tmp_path / "weights").mkdir()
    return tmp_path


def taken(folder: Path, text: str, **options):
    file = folder / "jobs.toml"
    file.write_text(dedent(text))
    return read(file, weights_dir=folder / "weights", **options)


def mistakes(folder: Path, text: str, **options) -> list[str]:
    with pytest.raises(WrongFile) as caught:
        taken(folder, text, **options)
    prefix = f"{folder / 'jobs.toml'}:"
    assert all(mistake.startswith(prefix) for mistake in caught.value.mistakes), caught.value.mistakes
    return [mistake.removeprefix(prefix) for mistake in caught.value.mistakes]


def test_the_file_of_the_design_is_taken(folder):
    file = taken(
        folder,
        """\
        [defaults]
        data = "shapes.yaml"
        epochs = 100

        [[job]]
        name = "night-n"
        model = "yolo11n.yaml"
        priority = "P1"              # P0 … P3
        gpus = 1
        train = { imgsz = 640, batch = 16, seed = 0 }
        retries = 5
        retry_delay = "5m"
        preemptible = true
        deadline = "08:00"

        [[job]]
        name = "deploy"
        run = "python deploy.py {night-n.best} 'two words'"
        gpus = 0
        after = ["night-n"]
        when = "night-n.metrics/mAP50-95(B) >= 0.40"
        hold = true
        """,
    )
    train, deploy = file.jobs
    assert train.spec.kind is Kind.TRAIN
    assert train.priority is Priority.P1
    assert train.line == 5
    assert train.spec.data == str(folder / "shapes.yaml")
    assert train.spec.model == "yolo11n.yaml"
    assert train.spec.arguments == {"epochs": 100, "imgsz": 640, "batch": 16, "seed": 0}
    assert (train.spec.retries, train.spec.retry_delay_s, train.spec.deadline) == (5, 300, "08:00")
    assert deploy.spec.kind is Kind.COMMAND
    assert deploy.spec.command == ("python", "deploy.py", "{night-n.best}", "two words")
    assert deploy.spec.arguments == {}
    assert deploy.spec.data is None
    assert deploy.spec.cwd == str(folder)
    assert deploy.spec.after == ("night-n",)
    assert deploy.spec.when == (Gate("night-n", "metrics/mAP50-95(B)", ">=", 0.4),)
    assert deploy.hold
    assert not train.hold


def test_every_mistake_is_told_at_once_with_line_key_and_the_nearest_name(folder):
    told = mistakes(
        folder,
        """\
        [defaults]
        data = "shapez.yaml"
        epohcs = 100
        [[job]]
        name = "a"
        modle = "yolo11n.yaml"
        train = { imgzs = 640, batch = "x", device = 0, gpus = 2 }
        [[job]]
        model = "yolo11m.yml"
        gpus = "2"
        [[jop]]
        """,
    )
    here = str(folder)
    assert told == [
        f"2: data: there is no data set 'shapez.yaml' in {here}; did you mean 'shapes.yaml'?",
        "3: epohcs: there is no such key; did you mean 'epochs'?",
        "4: 'a' has no model: write model = \"yolo11n.yaml\"",
        "6: modle: there is no such key; did you mean 'model'?",
        "7: train.imgzs: train() has no such argument; did you mean 'imgsz'?",
        "7: train.batch: must be a number, not 'x'",
        "7: train.device: yolotui chooses the device: use gpus = 1 (or 0 for the CPU)",
        "7: train.gpus: belongs to the job, not into train = { … }",
        f"9: model: there is no model 'yolo11m.yml' in {here}; did you mean 'yolo11m.yaml'?",
        "10: gpus: must be a whole number from 0 to 1024, not '2'",
        "11: jop: has no meaning here: a file has [defaults] and [[job]]; did you mean 'job'?",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('priority = "P4"', 'must be "P0"'),
        ("priority = 1", 'must be "P0"'),
        ("gpus = true", "whole number"),
        ("gpus = -1", "whole number"),
        ("retries = 1.5", "whole number"),
        ('retry_delay = "soon"', "not a duration"),
        ('vram = "10G"', "GiB"),
        ('vram = "10GiB"\ngpus = 2', "shares one GPU"),
        ('preemptible = "yes"', "true or false"),
        ('deadline = "25:00"', "must be a time"),
        ("deadline = 2026-12-24", "not a date alone"),
        ("env = { A = 1 }", 'A = "1"'),
        ('env = { CUDA_VISIBLE_DEVICES = "0" }', "yolotui's own"),
        ('python = "no-such-python"', "on PATH"),
        ('python = "./shapes.yaml"', "can't be executed"),
        ('cwd = "."', "for commands"),
        ('kind = "trian"', "did you mean 'train'"),
        ('kind = "val"\ntrain = {}', "make it a train job"),
        ("train = {}\nval = {}", "a job does one thing"),
        ("predict = 3", "must be a table"),
        ('resume = true', "resumes by itself"),
        ('epochs = "many"', "whole number"),
        ("epochs = 0", "at least 1"),
        ("lr0 = 7", "at most 1"),
        ("cos_lr = 1", "true or false"),
        ("time = 1979-05-27", "must not be a date"),
        ("lr0 = nan", "finite"),
        ('pretrained = "yolo11n.pt"', "yolotui weights yolo11n.pt"),
        ('tracker = "mine.yaml"', "there is no tracker"),
        ("after = 3", "must be a name"),
        ('after = "a"', "can't come after itself"),
        ('when = "b.metrics/mAP50(B) >= 0.4"', "there is no job 'b' in after"),
        ('after = "7"\nwhen = "7.metrics/mAP50(B) == 0.4"', "use >="),
        ('after = "7"\nwhen = "7.metrics/mAP50(B) >= good"', "not a number"),
        ('after = "7"\nwhen = "7.mAP >= 0.4"', "not a metric"),
        ('after = "7"\nwhen = "high mAP"', "not a comparison"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(folder, line, said):
    told = mistakes(folder, JOB + line)
    assert len(told) == 1, told
    assert said in told[0]
    assert told[0].startswith(("1:", "5:", "6:"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no [[job]]"),
        ("[job]\nname = 'a'", "two brackets"),
        ("defaults = 3\n" + JOB, "must be a table"),
        ("[[job]]\nname = 'a'\nname = 'b'", "not TOML"),
        ("[[job]\n", "not TOML"),
        ("[defaults]\nname = 'a'\n" + JOB, "belongs to one job"),
        (JOB + JOB, "there twice"),
        (JOB + 'run = "echo hi"', "a command takes no arguments of Ultralytics"),
        ('[[job]]\nrun = "true"\nepochs = 3', "a command takes no arguments of Ultralytics"),
        (JOB.replace('"a"', '"12-20"'), "looks like an id"),
        (JOB.replace('"a"', '"@a"'), "must not start with @"),
        (JOB.replace("yolo11n.yaml", "yolo11n.pt"), "`yolotui weights yolo11n.pt` fetches it once"),
        (JOB.replace("yolo11n.yaml", "https://x/y.pt"), "trainings run offline"),
        (JOB.replace("yolo11n.yaml", "w/y.pt"), "there is no file"),
        (JOB.replace("shapes.yaml", "sub/shapes.yaml"), "there is no data set"),
        ('[[job]]\nmodel = "yolo11n.yaml"', "has no data"),
        ('[[job]]\nmodel = "yolo11n.yaml"\npredict = {}', "has no source"),
        ('[[job]]\nkind = "command"', "needs run"),
        ('[[job]]\nrun = "echo \'"', "no closing quotation"),
        ("[[job]]\nrun = []", "must name a command"),
        ("[[job]]\nrun = ['a', 3]", "list of texts"),
        (JOB + "[[job]]\nrun = 'x {a.best}'", "add after = ['a']"),
        (JOB + "[[job]]\nafter = 'a'\nrun = 'x {a.bset}'", "did you mean 'best'"),
        (JOB + "[[job]]\nafter = 'aa'\nrun = 'true'\nname = 'ab'", "did you mean 'a'"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(folder, text, said):
    told = mistakes(folder, text)
    assert any(said in mistake for mistake in told), told


def test_a_syntax_error_has_the_line_that_tomllib_gives(folder):
    assert mistakes(folder, "[[job]]\nname = \n")[0].startswith("2: this is not TOML")


@pytest.mark.parametrize("raw", [b"name = '\xff'", b"\x00"])
def test_bytes_that_are_no_text_are_refused(folder, raw):
    (folder / "jobs.toml").write_bytes(raw)
    with pytest.raises(WrongFile):
        read(folder / "jobs.toml", weights_dir=folder)


def test_a_file_that_is_not_there_is_refused_with_a_sentence(folder):
    with pytest.raises(WrongFile, match="can't be read"):
        read(folder / "nope.toml", weights_dir=folder)


def test_a_circle_is_printed_as_a_path(folder):
    chain = "".join(f'[[job]]\nname = "{n}"\nafter = "{after}"\nrun = "true"\n' for n, after in ("ab", "bc", "ca"))
    (told,) = mistakes(folder, chain)
    assert told in {f"{line}: after: these wait for each other: {path}" for line, path in
                    ((3, "a → b → c → a"), (7, "b → c → a → b"), (11, "c → a → b → c"))}  # fmt: skip


def test_a_mistake_in_the_defaults_is_told_once_for_all_jobs(folder):
    jobs = "".join(f'[[job]]\nmodel = "yolo11n.yaml"\nseed = {n}\n' for n in range(5))
    told = mistakes(folder, f'[defaults]\ndata = "nope.yaml"\nlr0 = 9\n{jobs}')
    assert [mistake.split(":")[0] for mistake in told] == ["2", "3"]


def test_names_in_after_that_the_file_does_not_have_are_for_the_queue(folder):
    text = JOB + 'after = ["7", "yesterdays"]'
    assert taken(folder, text).jobs[0].external == ("7", "yesterdays")
    assert taken(folder, text, existing={"yesterdays"}).jobs[0].external == ("7", "yesterdays")
    assert "did you mean 'yesterday'" in mistakes(folder, text, existing={"yesterday"})[0]


def test_a_name_with_dots_is_found_in_gates_and_placeholders(folder):
    text = (
        JOB.replace('"a"', '"v1.5"')
        + '[[job]]\nafter = "v1.5"\nwhen = "v1.5.val/box_loss < 1e0"\nrun = "true {v1.5.best}"'
    )
    assert taken(folder, text).jobs[1].spec.when == (Gate("v1.5", "val/box_loss", "<", 1.0),)


def test_braces_of_a_command_that_are_no_placeholder_stay(folder):
    (job,) = taken(folder, "[[job]]\nrun = '''awk '{print $1.5}' {x.y}'''").jobs
    assert job.spec.command == ("awk", "{print $1.5}", "{x.y}")


def test_the_same_name_may_be_in_two_groups_and_after_means_the_own_group(folder):
    job = '[[job]]\nname = "{name}"\ngroup = "{g}"\nrun = "true"\n'
    pair = job.replace("{name}", "a") + job.replace("{name}", "b") + 'after = "a"\n'
    file = taken(folder, pair.replace("{g}", "one") + pair.replace("{g}", "two"))
    assert [job.spec.group for job in file.jobs] == ["one", "one", "two", "two"]


def test_after_may_name_a_job_of_another_group_of_the_file(folder):
    text = '[[job]]\nname = "a"\ngroup = "g"\nrun = "true"\n[[job]]\nname = "b"\nrun = "true {a.dir}"\nafter = "a"\n'
    assert taken(folder, text).jobs[1].external == ()
    assert "makes no weights" in mistakes(folder, text.replace("{a.dir}", "{a.best}"))[0]


def test_defaults_that_no_job_uses_are_checked_too(folder):
    (told,) = mistakes(folder, "[defaults]\nlr0 = 9\n[[job]]\nrun = 'true'")
    assert told.startswith("2: lr0: must be at most 1")


def test_jobs_without_a_name_get_one_that_says_what_they_run(folder):
    text = JOB.replace('name = "a"\n', "") + JOB.replace('"a"', '"yolo11n-2"') + JOB.replace('name = "a"\n', "")
    text += '[[job]]\nrun = "/bin/echo hi"'
    assert [job.spec.name for job in taken(folder, text).jobs] == ["yolo11n-1", "yolo11n-2", "yolo11n-3", "echo-1"]


def test_tables_choose_the_kind_and_defaults_fit_themselves_to_it(folder):
    (folder / "images").mkdir()
    defaults = '[defaults]\ndata = "shapes.yaml"\nepochs = 9\nmodel = "yolo11n.yaml"\nval = { batch = 2 }\n'
    train, val, predict, export, command = taken(
        folder,
        defaults
        + '[[job]]\n[[job]]\nval = { imgsz = 64 }\n[[job]]\npredict = { source = "images" }\n'
        + '[[job]]\nexport = { format = "onnx", name = "rk3588" }\n[[job]]\nrun = "true"\n',
    ).jobs
    assert (train.spec.kind, train.spec.arguments) == (Kind.TRAIN, {"epochs": 9})
    assert (val.spec.kind, val.spec.arguments) == (Kind.VAL, {"batch": 2, "imgsz": 64})
    assert val.spec.data == str(folder / "shapes.yaml")
    assert (predict.spec.kind, predict.spec.arguments) == (Kind.PREDICT, {"source": str(folder / "images")})
    assert predict.spec.data is None
    assert (export.spec.kind, export.spec.arguments) == (Kind.EXPORT, {"format": "onnx", "name": "rk3588"})
    assert command.spec.model is None


def test_the_table_wins_over_bare_arguments_and_the_job_over_the_defaults(folder):
    text = (
        "[defaults]\nseed = 1\ntrain = { batch = 1, imgsz = 32 }\n"
        + JOB
        + "batch = 2\nseed = 2\ntrain = { seed = 3 }\n"
    )
    assert taken(folder, text).jobs[0].spec.arguments == {"batch": 2, "imgsz": 32, "seed": 3}


def test_whole_gpus_of_a_job_replace_the_share_of_the_defaults(folder):
    assert taken(folder, '[defaults]\nvram = "8GiB"\n' + JOB + "gpus = 2").jobs[0].spec.vram_bytes is None
    assert taken(folder, "[defaults]\ngpus = 2\n" + JOB + 'vram = "8GiB"').jobs[0].spec.gpus == 1


def test_paths_are_meant_from_the_files_folder_whatever_the_working_directory(folder, monkeypatch):
    (folder / "sub").mkdir()
    (folder / "sub" / "mine.pt").write_bytes(b"x")
    (folder / "python").symlink_to(sys.executable)
    monkeypatch.chdir("/")
    text = JOB.replace("yolo11n.yaml", "./sub/../sub/mine.pt") + 'python = "./python"\npretrained = "sub/mine.pt"'
    (job,) = taken(folder, text).jobs
    assert job.spec.model == str(folder / "sub" / "mine.pt") == job.spec.arguments["pretrained"]
    assert job.spec.python == str(folder / "python")


def test_weights_are_looked_up_beside_the_file_first_and_then_where_they_were_fetched(folder):
    text = JOB.replace("yolo11n.yaml", "yolo11n.pt")
    (folder / "weights" / "yolo11n.pt").write_bytes(b"x")
    assert taken(folder, text).jobs[0].spec.model == str(folder / "weights" / "yolo11n.pt")
    (folder / "yolo11n.pt").write_bytes(b"x")
    assert taken(folder, text).jobs[0].spec.model == str(folder / "yolo11n.pt")


def test_what_an_earlier_job_makes_need_not_be_there_yet(folder):
    text = '[[job]]\nname = "gen"\nrun = "true"\n' + JOB.replace("shapes.yaml", "{gen.dir}/data.yaml") + 'after = "gen"'
    assert taken(folder, text).jobs[1].spec.data == "{gen.dir}/data.yaml"


def test_a_data_set_that_would_have_to_be_downloaded_is_refused_with_the_way_out(folder):
    (mistake,) = mistakes(folder, JOB.replace("shapes.yaml", "coco8.yaml"))
    assert "its images don't" in mistake
    assert "copy it to" in mistake


def test_with_another_interpreter_arguments_of_another_version_are_believed(folder):
    text = JOB + f'python = "{sys.executable}"\ntrain = {{ from_the_future = 1, device = 0 }}'
    (told,) = mistakes(folder, text)
    assert "yolotui chooses the device" in told


def test_the_digest_changes_with_the_content_and_with_nothing_else(folder):
    first = taken(folder, JOB + "seed = 1\nbatch = 2").jobs[0].digest
    assert taken(folder, "# a comment\n" + JOB + "batch = 2\n\nseed = 1").jobs[0].digest == first
    others = {taken(folder, JOB + more).jobs[0].digest for more in ("seed = 2", 'priority = "P0"', "hold = true")}
    assert len(others | {first}) == 4


def test_toml_dates_are_deadlines(folder):
    deadlines = ["08:00:00", "2026-12-24T08:00:00", '"8:00"', '"2026-12-24 08:00"']
    jobs = [taken(folder, JOB + f"deadline = {each}").jobs[0] for each in deadlines]
    assert [job.spec.deadline for job in jobs] == ["08:00", "2026-12-24T08:00", "08:00", "2026-12-24 08:00"]


def test_one_job_of_the_command_line_goes_through_the_same_checks(folder):
    pairs = {"epochs": "3", "lr0": "1e-3", "cos_lr": "True", "optimizer": "SGD", "imgsz": "[64, 96]", "val": "false"}
    spec, priority = one_job("yolo11n.yaml", "shapes.yaml", pairs, folder=folder, weights_dir=folder,
                             priority="P1", gpus=0, after=("7",), name=None)  # fmt: skip
    assert spec.arguments == {
        "epochs": 3, "lr0": 0.001, "cos_lr": True, "optimizer": "SGD", "imgsz": [64, 96], "val": False,
    }  # fmt: skip
    assert priority is Priority.P1
    assert (spec.name, spec.gpus, spec.after) == ("yolo11n-1", 0, ("7",))
    with pytest.raises(WrongUse) as caught:
        one_job("yolo11n.pt", "shapes.yml", {"epoch": "3", "device": "0"}, folder=folder, weights_dir=folder, gpus="1")
    assert str(caught.value).splitlines() == [
        "gpus: must be a whole number from 0 to 1024, not '1'",
        "model: 'yolo11n.pt' is not here: `yolotui weights yolo11n.pt` fetches it once",
        f"data: there is no data set 'shapes.yml' in {folder}; did you mean 'shapes.yaml'?",
        "epoch: train() has no such argument; did you mean 'epochs'?",
        "device: yolotui chooses the device: use gpus = 1 (or 0 for the CPU)",
    ]


def test_one_command_of_the_command_line(folder):
    spec, _ = one_job(None, None, {}, folder=folder, weights_dir=folder, run=["echo", "a b"], gpus=0)
    assert (spec.kind, spec.command, spec.cwd) == (Kind.COMMAND, ("echo", "a b"), str(folder))


KEYS = st.sampled_from([*READERS, *TABLES, "epochs", "batch", "device", "pretrained", "source", "x"]) | st.text(
    max_size=5
)
VALUES = st.recursive(
    st.sampled_from(['"a"', '"b"', '"{a.best}"', '"a.metrics/x > 1"', '"~nobody/x"', '"\\u0000"', "1e400", "-0", "nan"])
    | st.integers().map(str)
    | st.sampled_from(
        ["true", "12:30:00", "2026-01-01", '"' + "x" * 300 + '"', '""', '"yolo11n.yaml"', '"shapes.yaml"']
    ),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda each: "[" + ",".join(each) + "]")
        | st.dictionaries(st.sampled_from(["a", "epochs", "lr0", "source"]), inner, max_size=2).map(
            lambda each: "{" + ",".join(f"{key}={value}" for key, value in each.items()) + "}"
        )
    ),
    max_leaves=4,
)
TABLES_TEXT = st.dictionaries(KEYS.filter(str.isidentifier).filter(str.isascii), VALUES, max_size=6).map(
    lambda each: "".join(f"{key} = {value}\n" for key, value in each.items())
)
FILES = st.lists(
    st.tuples(st.sampled_from(["[[job]]", "[defaults]", "[[job]]\nname = 'a'"]), TABLES_TEXT), max_size=4
).map(lambda parts: "".join(f"{header}\n{body}" for header, body in parts))


@given(FILES | st.text())
@example("a = " + "[" * 5000)
@example("[[job]]\nname = " + "9" * 5000)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
def test_no_file_makes_a_traceback(folder, text):
    file = folder / "any.toml"
    file.write_text(text, encoding="utf-8", errors="replace")
    with suppress(WrongFile):
        read(file, weights_dir=folder)
