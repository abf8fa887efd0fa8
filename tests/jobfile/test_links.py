"""What jobs of a file ask of each other and of their GPUs: `after` in its four ways, gates, cards, estimates."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from yolotui.core.jobs import JobSpec
from yolotui.errors import WrongFile, WrongUse
from yolotui.jobfile import asked, one_job, read

COMMANDS = "".join(f'[[job]]\nname = "{name}"\nrun = "true"\n' for name in "abcd")


def spec_of(folder: Path, keys: str, *, before: str = COMMANDS) -> JobSpec:
    file = folder / "jobs.toml"
    file.write_text(before + '[[job]]\nname = "last"\nrun = "true"\n' + dedent(keys))
    return read(file, weights_dir=folder).jobs[-1].spec


def mistake(folder: Path, keys: str) -> str:
    with pytest.raises(WrongFile) as caught:
        spec_of(folder, keys)
    (said,) = caught.value.mistakes
    return said


class TestAfter:
    def test_a_list_asks_that_all_succeed(self, tmp_path: Path) -> None:
        spec = spec_of(tmp_path, 'after = ["a", "b"]')
        assert spec.needs == (("a", "all"), ("b", "all"))
        assert spec == spec_of(tmp_path, 'after = { all = ["a", "b"] }')

    @pytest.mark.parametrize(
        "keys",
        [
            'after = { all = ["a"], any = "b", finished = ["c"], failed = ["d"] }',
            '[job.after]\nall = ["a"]\nany = ["b"]\nfinished = ["c"]\nfailed = ["d"]',
        ],
    )
    def test_each_way_is_asked_of_its_own(self, tmp_path: Path, keys: str) -> None:
        assert spec_of(tmp_path, keys).needs == (("a", "all"), ("b", "any"), ("c", "finished"), ("d", "failed"))

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ('after = { finish = ["a"] }', "after: has all, any, finished, failed, not 'finish'; did you mean 'finish"),
            ('after = { all = ["a"], any = ["a"] }', "'a' stands under all and under any"),
            ("after = { any = 3 }", "must be a name or a list of names"),
            ('after = { failed = ["bb"] }', "there is no job 'bb'; did you mean"),
            ('after = { finished = ["last"] }', "'last' can't come after itself"),
            (
                'after = { failed = "a" }\nwhen = "a.fitness > 0.1"',
                "asks for a success, but after has 'a' under failed",
            ),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, keys: str, said: str) -> None:
        assert said in mistake(tmp_path, keys)

    def test_a_circle_over_several_ways_is_printed_as_a_path(self, tmp_path: Path) -> None:
        file = tmp_path / "jobs.toml"
        links = (("a", 'failed = "b"'), ("b", 'any = "c"'), ("c", 'finished = "a"'))
        file.write_text("".join(f'[[job]]\nname = "{name}"\nrun = "true"\nafter.{way}\n' for name, way in links))
        with pytest.raises(WrongFile, match=r"these wait for each other: a → b → c → a|b → c → a → b|c → a → b → c"):
            read(file, weights_dir=tmp_path)

    def test_what_an_alternative_made_is_not_handed_on_for_it_may_not_have_ended(self, tmp_path: Path) -> None:
        command = 'run = ["true", "{a.dir}"]'
        file = tmp_path / "jobs.toml"
        job = f'[[job]]\nname = "last"\n{command}\n'
        file.write_text(COMMANDS + job + 'after = { any = ["a", "b"] }\n')
        with pytest.raises(WrongFile, match="it may start before 'a' has ended"):
            read(file, weights_dir=tmp_path)
        for after in ('{ finished = "a", any = ["b", "c"] }', '{ failed = "a" }', '{ any = "a" }'):
            file.write_text(COMMANDS + job + f"after = {after}\n")
            assert read(file, weights_dir=tmp_path).jobs[-1].spec.command == ("true", "{a.dir}")


class TestWhere:
    def test_cards_are_named_by_index_uuid_or_model(self, tmp_path: Path) -> None:
        spec = spec_of(tmp_path, 'gpu = "A100"\navoid = [0, "GPU-7f"]\nprefer = "NVL"\nestimate = "1h30m"')
        assert (spec.gpu_model, spec.avoid, spec.prefer, spec.estimate_s) == ("A100", ("0", "GPU-7f"), ("NVL",), 5400.0)

    def test_defaults_hold_for_all(self, tmp_path: Path) -> None:
        spec = spec_of(tmp_path, "", before='[defaults]\ngpu = "A100"\nestimate = 60\n')
        assert (spec.gpu_model, spec.estimate_s) == ("A100", 60.0)

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ("gpu = 2", "how many is gpus = 2"),
            ("avoid = true", 'must be GPUs by index, UUID or model: [0, "A100"]'),
            ("prefer = [1.5]", "must be GPUs by index, UUID or model"),
            ('estimate = "soon"', "is not a duration"),
            ("estimate = 0", "less than a second"),
            ('gpuu = "A100"', "did you mean 'gpu'"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, keys: str, said: str) -> None:
        assert said in mistake(tmp_path, keys)

    def test_one_job_of_the_command_line_asks_in_the_same_words(self, tmp_path: Path) -> None:
        options = {"gpu": "A100", "avoid": ("0",), "after": {"failed": ["7"]}}
        spec, _ = one_job(None, None, {}, weights_dir=tmp_path, folder=tmp_path, run=["true"], **options)
        assert (spec.gpu_model, spec.avoid, spec.after_failed) == ("A100", ("0",), ("7",))


class TestAsked:
    SPEC = JobSpec(name="a", kind="command", gpus=2, avoid=("0",), estimate_s=60.0)  # type: ignore[arg-type]

    def test_words_change_fields_and_nothing_takes_away(self) -> None:
        words = {"gpus": "1", "vram": "8GiB", "gpu": "T4", "avoid": "", "prefer": "[1, 2]", "estimate": ""}
        assert asked(self.SPEC, words) == {
            "gpus": 1, "vram_bytes": 8 << 30, "gpu_model": "T4", "avoid": (), "prefer": ("1", "2"), "estimate_s": None,
        }  # fmt: skip

    def test_every_mistake_is_said(self) -> None:
        with pytest.raises(WrongUse) as caught:
            asked(self.SPEC, {"vram": "8GiB", "gpus": "many", "estimate": "soon"})
        told = str(caught.value).splitlines()
        assert [line.split(":")[0] for line in told] == ["gpus", "estimate", "vram"]


class TestNamesInTheQueue:
    FILE = '[[job]]\nname = "train2"\nrun = "true"\nafter = "{after}"\n'

    def test_a_job_of_the_queue_may_be_called_almost_like_the_new_one(self, tmp_path: Path) -> None:
        file = tmp_path / "jobs.toml"
        file.write_text(self.FILE.format(after="train1"))
        (job,) = read(file, weights_dir=tmp_path, existing=["train1"]).jobs
        assert job.external == ("train1",)

    def test_what_nobody_is_called_is_refused_and_the_job_itself_never_meant(self, tmp_path: Path) -> None:
        file = tmp_path / "jobs.toml"
        file.write_text(self.FILE.format(after="train3"))
        with pytest.raises(WrongFile, match=r"there is no job 'train3'; did you mean 'train1'"):
            read(file, weights_dir=tmp_path, existing=["train1"])
        with pytest.raises(WrongFile, match=r"there is no job 'train3'$"):
            read(file, weights_dir=tmp_path, existing=[])
        assert read(file, weights_dir=tmp_path).jobs[0].external == ("train3",)
