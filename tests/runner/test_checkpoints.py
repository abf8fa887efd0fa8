from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import eventually
from tests.runner.rig import ROOT, write_checkpoint
from yolotui.runner import atomic_saves, checkpoints, durable, results
from yolotui.runner.checkpoints import CheckpointError


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return tmp_path / "train" / "weights"


class Hostile:
    def __init__(self, call: tuple[object, tuple[str, ...]]) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


def archive_with(path: Path, pickled: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("last/data.pkl", pickled)
    return path


def test_a_whole_checkpoint_is_described(weights):
    path = write_checkpoint(weights / "last.pt", epoch=2, epochs=9, train_metrics={"fitness": 0.5}, version="8.4.0")
    found = checkpoints.inspect(path)

    assert (found.epoch, found.epochs, found.has_optimizer, found.stripped) == (3, 9, True, False)
    assert (found.fitness, found.version, found.resumable, found.trained) == (0.5, "8.4.0", True, False)


def test_a_fitness_that_is_no_number_is_none(weights):
    path = write_checkpoint(weights / "last.pt", train_metrics={"fitness": float("nan")})
    assert checkpoints.inspect(path).fitness is None


@pytest.mark.parametrize("damage", ["empty", "half", "tail", "flipped", "text", "missing"])
def test_damage_is_found(weights, damage):
    path = write_checkpoint(weights / "last.pt")
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        at = whole.index(b"www")
        path.write_bytes({
            "empty": b"", "half": whole[: len(whole) // 2], "tail": whole[:-10], "text": b"no checkpoint",
            "flipped": whole[:at] + b"x" + whole[at + 1 :],
        }[damage])  # fmt: skip

    with pytest.raises(CheckpointError) as caught:
        checkpoints.inspect(path)
    assert caught.value.path == str(path)
    assert caught.value.why


def test_a_hostile_pickle_does_nothing(tmp_path):
    witness = tmp_path / "witness"
    content = {"epoch": 1, "train_args": {"epochs": 3}, "optimizer": Hostile((os.system, (f"touch {witness}",)))}
    path = archive_with(tmp_path / "last.pt", pickle.dumps(content, protocol=2))

    assert checkpoints.inspect(path).epoch == 2
    assert not witness.exists()


@pytest.mark.parametrize(
    "pickled",
    [
        pickle.BYTEARRAY8 + (1 << 40).to_bytes(8, "little") + b".",  # asks for a terabyte
        b"N" + pickle.LONG_BINPUT + (0xFFFFFFF0).to_bytes(4, "little") + b".",  # a memo of four thousand million
        b"\x80\x02}" + b"(" * 100_000 + b".",
        b"",
    ],
)
def test_a_bomb_is_refused_in_bounded_memory(tmp_path, pickled):
    path = archive_with(tmp_path / "last.pt", pickled)
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "from yolotui.runner import checkpoints\n"
        f"try: checkpoints.inspect({str(path)!r})\n"
        "except checkpoints.CheckpointError: sys.exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 9


def test_compressed_data_is_refused(tmp_path):
    path = tmp_path / "last.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("last/data.pkl", b"\0" * (64 << 20))
    with pytest.raises(CheckpointError):
        checkpoints.inspect(path)


def test_the_order_of_choice(weights):
    for name, epoch in (("last.pt", 7), ("last.prev.pt", 6), ("epoch2.pt", 2), ("epoch4.pt", 4), ("best.pt", 3)):
        write_checkpoint(weights / name, epoch=epoch, epochs=20)
    chosen = []
    while True:
        choice = checkpoints.choose(weights.parent)
        if choice.resume is None:
            break
        assert choice.kind == "resume"
        name = Path(choice.resume.path).name
        chosen.append(name)
        (weights / name).write_bytes(b"")

    assert chosen == ["last.pt", "last.prev.pt", "epoch4.pt", "best.pt", "epoch2.pt"]
    assert choice.kind == "fresh"
    assert sorted(Path(path).name for path, _ in choice.rejected) == sorted(chosen)
    assert {why for _, why in choice.rejected} == {"empty file"}


def test_nothing_there_is_a_fresh_start(tmp_path):
    assert checkpoints.choose(tmp_path / "train") == ("fresh", None, False, [])


def test_trained_but_not_validated_is_finalized(weights):
    write_checkpoint(weights / "last.pt", epoch=4, epochs=5)
    choice = checkpoints.choose(weights.parent)
    assert (choice.kind, choice.finished) == ("finalize", True)


@pytest.mark.parametrize(("rows", "finished"), [(5, True), (3, False)])
def test_stripped_weights_are_complete_and_the_table_says_whether_all_epochs_are_done(weights, rows, finished):
    write_checkpoint(weights / "last.pt", epoch=-1, epochs=5, optimizer=None)
    write_checkpoint(weights / "best.pt", epoch=-1, epochs=5, optimizer=None)
    table = "epoch,loss\n" + "".join(f"{row},0.1\n" for row in range(1, rows + 1))
    (weights.parent / "results.csv").write_text(table)
    choice = checkpoints.choose(weights.parent)
    assert (choice.kind, choice.resume, choice.finished) == ("complete", None, finished)


def test_a_kill_between_the_two_strippings_leaves_the_last_act(weights):
    write_checkpoint(weights / "last.pt", epoch=-1, epochs=5, optimizer=None)
    write_checkpoint(weights / "best.pt", epoch=3, epochs=5)
    assert checkpoints.choose(weights.parent).kind == "finalize"


# --- saving ---------------------------------------------------------------------------------------------------------

SAVER = """
import sys
from pathlib import Path
from yolotui.runner.atomic_saves import AtomicPath
weights, whole = AtomicPath(sys.argv[1]), Path(sys.argv[2]).read_bytes()
print("saving", flush=True)
while True:
    (weights / "last.pt").write_bytes(whole)
    (weights / "best.pt").write_bytes(whole)
    (weights / "epoch3.pt").write_bytes(whole)
"""


def test_sigkill_in_the_middle_of_a_save_leaves_whole_checkpoints(weights, tmp_path):
    big = write_checkpoint(tmp_path / "source.pt", epoch=3, weights=random.Random(0).randbytes(8 << 20))
    for name in ("last.pt", "best.pt", "epoch3.pt"):
        write_checkpoint(weights / name, epoch=2)
    caught_in_the_act = 0
    for _ in range(12):
        saver = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(weights), str(big)], cwd=ROOT, stdout=subprocess.PIPE
        )
        with saver:
            assert saver.stdout is not None
            saver.stdout.readline()
            eventually(lambda: list(weights.glob("*.tmp")))
            saver.send_signal(signal.SIGKILL)
        caught_in_the_act += bool(durable.sweep(str(weights)))
        for name in ("last.pt", "best.pt", "epoch3.pt"):
            assert checkpoints.inspect(weights / name).resumable
        assert checkpoints.choose(weights.parent).kind == "resume"
    assert caught_in_the_act
    assert not list(weights.glob("*.tmp"))


def test_the_checkpoint_before_is_kept_as_a_file_of_its_own(weights, tmp_path):
    last = atomic_saves.AtomicPath(weights) / "last.pt"
    weights.mkdir(parents=True)
    for epoch in range(3):
        last.write_bytes(write_checkpoint(tmp_path / "source.pt", epoch=epoch).read_bytes())

    assert checkpoints.inspect(last).epoch == 3
    assert checkpoints.inspect(weights / "last.prev.pt").epoch == 2
    os.truncate(last, 0)
    choice = checkpoints.choose(weights.parent)
    assert choice.resume is not None
    assert choice.resume.epoch == 2


def test_a_full_disk_keeps_the_old_checkpoint(weights, tmp_path):
    path = write_checkpoint(weights / "last.pt", epoch=1)
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from yolotui.runner.atomic_saves import AtomicPath\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: AtomicPath(sys.argv[1]).write_bytes(b'x' * 100_000)\n"
        "except OSError: sys.exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, check=False).returncode == 9
    assert checkpoints.inspect(path).epoch == 2
    assert not list(weights.glob("*.tmp"))


def test_a_damaged_last_is_replaced_before_a_resume_and_kept_as_evidence(weights):
    kept = write_checkpoint(weights / "last.prev.pt", epoch=4, epochs=9)
    (weights / "last.pt").write_bytes(b"torn")
    assert atomic_saves.repair(str(weights), str(kept)) == ["last.pt"]

    assert checkpoints.inspect(weights / "last.pt").epoch == 5
    assert (weights / "last.rejected.pt").read_bytes() == b"torn"
    assert not (weights / "last.pt").samefile(kept)


def test_a_best_that_is_newer_than_the_copies_is_gone_on_from(weights):
    """Found by chaos, seed 102: with last.pt damaged, the newest epochN.pt was taken although best.pt held more."""
    for name, epoch in (("last.prev.pt", 3), ("epoch5.pt", 5), ("best.pt", 8)):
        write_checkpoint(weights / name, epoch=epoch, epochs=20)
    (weights / "last.pt").write_bytes(b"")
    (weights / "epoch7.pt").write_bytes(b"")
    choice = checkpoints.choose(weights.parent)
    assert choice.resume is not None
    assert (Path(choice.resume.path).name, choice.resume.epoch) == ("best.pt", 9)
    assert [Path(path).name for path, _ in choice.rejected] == ["last.pt", "epoch7.pt"]


def test_a_damaged_best_is_set_aside_and_what_was_gone_on_from_stays(weights):
    last = write_checkpoint(weights / "last.pt", epoch=4, epochs=9)
    (weights / "best.pt").write_bytes(b"torn")
    before = last.read_bytes()
    assert atomic_saves.repair(str(weights), str(last)) == ["best.pt"]
    assert last.read_bytes() == before
    assert (weights / "best.rejected.pt").read_bytes() == b"torn"
    assert atomic_saves.repair(str(weights), None) == []


# --- the table ------------------------------------------------------------------------------------------------------


def test_rows_beyond_the_checkpoint_doubles_and_torn_lines_go(tmp_path):
    table = tmp_path / "results.csv"
    table.write_text("epoch,time,loss\n1,0.5,3\n2,1.0,2\n2,0.4,1.9\n3,1.5,1\n4,2.0,0.5\n5,2.")

    assert results.last_epoch(str(table)) == 4
    assert results.trim(str(table), 3) == 3
    assert table.read_text() == "epoch,time,loss\n1,0.5,3\n2,0.4,1.9\n3,1.5,1\n"


def test_a_sound_table_is_left_alone(tmp_path):
    table = tmp_path / "results.csv"
    table.write_text("epoch,time\n1,0.5\n2,1.0\n")
    before = table.stat()

    assert results.trim(str(table), 2) == 0
    assert (table.stat().st_ino, table.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert results.trim(str(tmp_path / "missing.csv"), 2) == 0


def test_inspection_imports_no_torch():
    script = "import sys, yolotui.runner.checkpoints; sys.exit('torch' in sys.modules or 'ultralytics' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
