from __future__ import annotations

import pytest

from yolotui.errors import WrongFile
from yolotui.jobfile import read


def written(tmp_path, text: str):
    (tmp_path / "d.yaml").touch()
    file = tmp_path / "jobs.toml"
    file.write_text(f'[[job]]\nname = "a"\n{text}\n')
    return read(file, weights_dir=tmp_path).jobs[0].spec


TRAINING = 'model = "yolo11n.yaml"\ndata = "d.yaml"\n'


def test_a_time_limit_and_what_to_keep(tmp_path):
    assert written(tmp_path, TRAINING + 'time_limit = "8h"\nkeep = 10').time_limit_s == 8 * 3600
    assert written(tmp_path, TRAINING + "keep = [40, 10, 20, 10]").keep == (10, 20, 40)
    assert written(tmp_path, 'run = "true"\ntime_limit = 60').time_limit_s == 60


def test_a_default_of_what_to_keep_is_for_trainings(tmp_path):
    (tmp_path / "d.yaml").touch()
    file = tmp_path / "jobs.toml"
    file.write_text(f'[defaults]\nkeep = 5\n[[job]]\nrun = "true"\n[[job]]\n{TRAINING}')
    assert [job.spec.keep for job in read(file, weights_dir=tmp_path).jobs] == [None, 5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TRAINING + "keep = 0", "keep: must be a number of epochs"),
        (TRAINING + "keep = true", "keep: must be a number of epochs"),
        (TRAINING + "keep = []", "keep: must be a number of epochs"),
        (TRAINING + 'keep = ["10"]', "keep: must be a number of epochs"),
        (TRAINING + "keep = 5\nsave_period = 2", "leave save_period out"),
        ('run = "true"\nkeep = 5', "is for trainings"),
        (TRAINING + "time_limit = 0", "less than a second"),
        (TRAINING + 'time_limit = "long"', "not a duration"),
    ],
)
def test_nonsense_is_refused(tmp_path, text, said):
    with pytest.raises(WrongFile, match=said):
        written(tmp_path, text)
