from __future__ import annotations

import json
import os
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yolotui.config import Config, find
from yolotui.config_reading import read, schema
from yolotui.errors import WrongFile
from yolotui.locations import user_config

DESIGN = """\
[queue]
confirm = "always"
[paths]
runs = "/data/yolo-runs"
[gpus]
use = [0, 1, 2]
ignore_below = "512MiB"
too_hot = 80
[scheduling]
preemption = "evict"
notice = "45m"
mode = "throughput"
[keep]
runs = "90d"
checkpoints = "2w"
[notify]
finished = ["wecombot://key"]
[keys]
kill = "x"
[ui]
theme = "nord"
refresh = 0.5
"""


def mistakes(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(WrongFile) as caught:
        read(file)
    return [mistake.removeprefix(f"{file}:") for mistake in caught.value.mistakes]


def test_without_a_file_the_defaults_count(home):
    assert find(home) is None
    assert (Config.load(home).keep.runs_s, Config.load(home).keep.checkpoints_s) == (None, None)
    assert Config.load(home) == Config.load(home) == Config()


def test_the_homes_own_file_counts_before_the_users(home):
    user_config().parent.mkdir(parents=True)
    user_config().write_text("[ui]\nrefresh = 2")
    assert Config.load(home).ui.refresh_s == 2
    home.create()
    home.config.write_text("[ui]\nrefresh = 3")
    assert Config.load(home).ui.refresh_s == 3


def test_what_is_no_file_is_refused_and_not_waited_for(home):
    home.create()
    os.mkfifo(home.config)
    with pytest.raises(WrongFile, match=r"config\.toml: is no file: a folder, a pipe or a device"):
        Config.load(home)


def test_everything_that_the_design_shows_is_read(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(DESIGN)
    config = read(file)
    assert config.queue.confirm == "always"
    assert config.paths.runs == "/data/yolo-runs"
    assert config.gpus.use == (0, 1, 2)
    assert config.gpus.ignore_below_bytes == 512 * 1024**2
    assert config.gpus.too_hot_c == 80
    assert (config.scheduling.preemption, config.scheduling.mode) == ("evict", "throughput")
    assert config.scheduling.notice_s == 2700
    assert (config.keep.runs_s, config.keep.checkpoints_s) == (90 * 86400, 14 * 86400)
    assert config.notify.finished == ("wecombot://key",)
    assert config.keys == {"kill": "x"}
    assert (config.ui.theme, config.ui.refresh_s) == ("nord", 0.5)


def test_all_mistakes_are_told_at_once_with_line_and_the_nearest_name(tmp_path):
    told = mistakes(
        tmp_path, '[gpu]\n[gpus]\ntoo_hott = 1\ntoo_hot = 1\n[scheduling]\npreemption = "evikt"\nnotice = "x"\n'
    )
    assert told == [
        "1: gpu: there is no such section; did you mean 'gpus'?",
        "3: gpus.too_hott: there is no such key; did you mean 'too_hot'?",
        "4: gpus.too_hot: must be a whole number of °C from 40 to 120, not 1",
        "6: scheduling.preemption: must be one of never, queue, evict, not 'evikt'; did you mean 'evict'?",
        '7: scheduling.notice: \'x\' is not a duration: write "90s", "5m", "1h30m" or a number of seconds',
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gpus = 3", "must be a section"),
        ("[gpus]\nuse = [0]\nexclude = [1]", "not both"),
        ("[gpus]\nuse = [true]", "GPU numbers"),
        ('[gpus]\nexclude = "card"', "GPU numbers"),
        ("[gpus]\nignore_below = -1", "size"),
        ('[paths]\nruns = "here"', "absolute path"),
        ("[paths]\nruns = 3", "text in quotes"),
        ("[ui]\nrefresh = 0", "0.1 to 60"),
        ('[notify]\nfailed = "me"', "addresses"),
        ('[keep]\nruns = "1h"', "a day at least"),
        ("[keep]\ncheckpoints = 0", "a day at least"),
        ("[keys]\nkill = 3", "name of a key"),
        ("[queue]\nconfirm = []", "must be one of"),
        ("[queue", "not TOML"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(tmp_path, text, said):
    (told,) = mistakes(tmp_path, text)
    assert said in told


def test_one_gpu_needs_no_list_and_paths_may_begin_in_the_users_home(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('[gpus]\nexclude = 1\n[paths]\nruns = "~/runs"')
    config = read(file)
    assert config.gpus.exclude == (1,)
    assert config.paths.runs == str(Path.home() / "runs")


def test_the_schema_knows_every_section_and_key_and_its_default():
    said = json.loads(json.dumps(schema()))
    for section, table in tomllib.loads(DESIGN).items():
        assert section in said["properties"]
        assert section == "keys" or table.keys() <= said["properties"][section]["properties"].keys()
    assert said["properties"]["scheduling"]["properties"]["preemption"]["default"] == "queue"
    assert said["properties"]["gpus"]["properties"]["ignore_below"]["default"] == 300 * 1024**2
    assert not said["properties"]["gpus"]["additionalProperties"]


values = st.sampled_from(
    ['"a"', '""', "1", "-1", "1e400", "nan", "true", "[]", "[0, 0]", "{}", "12:00:00", '"10G"', "9" * 50]
)
SETTINGS = {section: table.keys() for section, table in tomllib.loads(DESIGN).items()}
keys = st.sampled_from(
    [*(f"{section}.{key}" for section, each in SETTINGS.items() for key in each), "gpus.exclude", "x"]
)


@given(st.dictionaries(keys, values).map(lambda each: "\n".join(f"{k} = {v}" for k, v in each.items())) | st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_file_makes_a_traceback(tmp_path, text):
    file = tmp_path / "any.toml"
    file.write_text(text, encoding="utf-8", errors="replace")
    with suppress(WrongFile):
        json.dumps(read(file).ui.refresh_s, allow_nan=False)
