"""The real pynvml on the stand-in: what the cards answer, and everything that can go wrong with them."""

from __future__ import annotations

import getpass
from itertools import pairwise
from pathlib import Path

import pytest

from tests.probe.conftest import Opener, Starter
from tests.probe.fake_nvml import DRIVER_NOT_LOADED, GIB, GPU_IS_LOST, UNKNOWN, VERSION_MISMATCH, Card, Held
from yolotui.core.gpus import Excluded, Foreign, Free, Gpu, Lost, Tenant
from yolotui.probe import Limits
from yolotui.probe.limits import MIB
from yolotui.probe.nvml import LONGEST_RETRY_S, Backoff

NO_PERMISSION = 4
NOBODYS_PID = 2**22 + 1  # beyond the largest pid that Linux gives


def test_everything_that_a_card_tells_is_read(open_machine: Opener) -> None:
    machine = open_machine(
        Card(
            "GPU-a",
            name="NVIDIA H100",
            total_bytes=80 * GIB,
            used_bytes=3 * GIB,
            utilization_percent=97,
            temperature_c=71,
            power_w=612.5,
            power_limit_w=700.0,
            ecc_errors=2,
            slowdown_bits=0x04 | 0x40,
        ),
        Card("GPU-b"),
    )
    host = machine.observe(now=12.5)
    assert (host.at, host.trouble, host.driver_version) == (12.5, "", "580.95.05")
    assert host.memory_total_bytes > host.memory_available_bytes > 0
    assert [gpu.uuid for gpu in host.gpus] == ["GPU-a", "GPU-b"]
    assert host.gpus[0] == Gpu(
        uuid="GPU-a",
        index=0,
        name="NVIDIA H100",
        kind="cuda",
        memory_total_bytes=80 * GIB,
        memory_used_bytes=3 * GIB,
        utilization_percent=97,
        temperature_c=71,
        power_w=612.5,
        power_limit_w=700.0,
        ecc_errors=2,
        slowdowns=("power", "heat"),
        availability=Free(),
        foreign_bytes=3 * GIB,
    )


def test_a_change_is_seen_at_the_next_look(open_machine: Opener) -> None:
    machine = open_machine(Card("GPU-a", temperature_c=40))
    assert machine.gpu("GPU-a").temperature_c == 40
    machine.nvml.set("GPU-a", temperature_c=83, used_bytes=5 * GIB)
    after = machine.gpu("GPU-a")
    assert (after.temperature_c, after.memory_used_bytes) == (83, 5 * GIB)


def test_a_reading_that_is_not_offered_is_none_and_the_rest_is_there(open_machine: Opener) -> None:
    machine = open_machine(
        Card("GPU-a", power_w=None, power_limit_w=None, utilization_percent=None, errors={"temperature": NO_PERMISSION})
    )
    gpu = machine.gpu("GPU-a")
    assert (gpu.power_w, gpu.power_limit_w, gpu.utilization_percent, gpu.temperature_c) == (None, None, None, None)
    assert (gpu.ecc_errors, gpu.memory_used_bytes, gpu.availability) == (None, 0, Free())


def test_cards_that_nvlink_joins_name_each_other(open_machine: Opener) -> None:
    machine = open_machine(
        Card("GPU-a", links=("GPU-c",)), Card("GPU-b"), Card("GPU-c", links=("GPU-a", "GPU-d")),
        Card("GPU-d", links=("GPU-c",)),
    )  # fmt: skip
    links = {gpu.uuid: gpu.links for gpu in machine.observe().gpus}
    assert links == {"GPU-a": ("GPU-c",), "GPU-b": (), "GPU-c": ("GPU-a", "GPU-d"), "GPU-d": ("GPU-c",)}


def test_a_card_that_was_lost_at_first_has_its_links_when_it_is_back(open_machine: Opener) -> None:
    machine = open_machine(
        Card("GPU-a", links=("GPU-b",)), Card("GPU-b", links=("GPU-a",), lost=GPU_IS_LOST), Card("GPU-c")
    )
    assert [gpu.links for gpu in machine.observe(now=100).gpus] == [(), (), ()]
    machine.nvml.bring_back("GPU-b")
    back = machine.observe(now=102)
    assert [(gpu.availability, gpu.links) for gpu in back.gpus] == [
        (Free(), ("GPU-b",)),
        (Free(), ("GPU-a",)),
        (Free(), ()),
    ]


def test_a_card_in_slices_says_so_in_its_name(open_machine: Opener) -> None:
    assert open_machine(Card("GPU-a", name="NVIDIA A100", mig=True)).gpu("GPU-a").name == "NVIDIA A100 (MIG)"


def test_a_foreign_process_blocks_its_card_only_and_is_named(open_machine: Opener, start_process: Starter) -> None:
    stranger = start_process()
    machine = open_machine(Card("GPU-a"), Card("GPU-b", processes=(Held(stranger.pid, 21 * GIB),)))
    assert machine.gpu("GPU-a").availability == Free()
    assert machine.gpu("GPU-b").availability == Foreign((stranger.pid,), 21 * GIB, (getpass.getuser(),))


def test_our_own_process_does_not_block(open_machine: Opener, start_process: Starter) -> None:
    ours, stranger = start_process(attempt="1f6c"), start_process()
    machine = open_machine(Card("GPU-a", processes=(Held(ours.pid, 8 * GIB),)))
    assert machine.gpu("GPU-a").availability == Free()
    machine.nvml.set("GPU-a", processes=(Held(ours.pid, 8 * GIB), Held(stranger.pid, GIB)))
    assert machine.gpu("GPU-a").availability == Foreign((stranger.pid,), GIB, (getpass.getuser(),))


@pytest.mark.parametrize("kind", ["compute", "graphics"])
def test_a_desktop_that_holds_little_does_not_block(open_machine: Opener, start_process: Starter, kind: str) -> None:
    desktop = start_process()
    limits = Limits(ignore_below_bytes=300 * MIB)
    little, much = (Held(desktop.pid, size, kind) for size in (300 * MIB - 1, 300 * MIB))  # type: ignore[arg-type]
    machine = open_machine(Card("GPU-a", processes=(little,)), limits=limits)
    assert machine.gpu("GPU-a").availability == Free()
    machine.nvml.set("GPU-a", processes=(much,))
    assert machine.gpu("GPU-a").availability == Foreign((desktop.pid,), 300 * MIB, (getpass.getuser(),))


def test_a_process_that_computes_and_draws_is_counted_once(open_machine: Opener, start_process: Starter) -> None:
    pid = start_process().pid
    machine = open_machine(Card("GPU-a", processes=(Held(pid, GIB), Held(pid, 2 * GIB, "graphics"))))
    availability = machine.gpu("GPU-a").availability
    assert availability == Foreign((pid,), 2 * GIB, (getpass.getuser(),))


def test_an_unknown_amount_of_memory_blocks(open_machine: Opener, start_process: Starter) -> None:
    pid = start_process().pid
    machine = open_machine(Card("GPU-a", processes=(Held(pid, None),)))
    assert machine.gpu("GPU-a").availability == Foreign((pid,), 0, (getpass.getuser(),))


def test_a_process_that_ends_between_list_and_look_does_not_block(open_machine: Opener) -> None:
    machine = open_machine(Card("GPU-a", processes=(Held(NOBODYS_PID, 8 * GIB, "vanishing"),)))
    assert machine.gpu("GPU-a").availability == Free()


def test_a_process_of_another_pid_namespace_blocks_although_it_can_not_be_seen(open_machine: Opener) -> None:
    machine = open_machine(Card("GPU-a", processes=(Held(NOBODYS_PID, 8 * GIB),)))
    assert machine.gpu("GPU-a").availability == Foreign((NOBODYS_PID,), 8 * GIB, ())


def test_where_processes_are_not_listed_the_memory_in_use_decides(open_machine: Opener) -> None:
    machine = open_machine(Card("GPU-a", used_bytes=100 * MIB, errors={"compute": NO_PERMISSION}))
    assert machine.gpu("GPU-a").availability == Free()
    machine.nvml.set("GPU-a", used_bytes=2 * GIB)
    assert machine.gpu("GPU-a").availability == Foreign((), 2 * GIB)
    machine.nvml.set("GPU-a", used_bytes=None)
    assert machine.gpu("GPU-a").availability == Foreign((), 0)


@pytest.mark.parametrize(("code", "says"), [(GPU_IS_LOST, "GPU is lost"), (UNKNOWN, "Unknown Error")])
def test_a_lost_card_hides_no_other_and_comes_back(open_machine: Opener, code: int, says: str) -> None:
    machine = open_machine(Card("GPU-a", name="NVIDIA A"), Card("GPU-b", temperature_c=44))
    machine.observe(now=100)
    machine.nvml.lose("GPU-a", code)
    host = machine.observe(now=101)
    assert host.trouble == ""
    assert host.gpus[0] == Gpu(
        uuid="GPU-a", index=0, name="NVIDIA A", memory_total_bytes=24 * GIB, availability=Lost(says)
    )
    assert (host.gpus[1].temperature_c, host.gpus[1].availability) == (44, Free())
    machine.nvml.bring_back("GPU-a")
    assert machine.gpu("GPU-a", now=101.5).availability == Lost(says), "NVML is not initialised again at once"
    assert machine.gpu("GPU-a", now=102.5).availability == Free()


def test_a_card_without_a_handle_keeps_its_uuid(open_machine: Opener) -> None:
    machine = open_machine(Card("GPU-a"), Card("GPU-b"))
    machine.observe(now=100)
    machine.nvml.set("GPU-a", hidden=GPU_IS_LOST)
    host = machine.observe(now=101)
    assert [(gpu.uuid, gpu.availability) for gpu in host.gpus] == [
        ("GPU-a", Lost("GPU is lost")),
        ("GPU-b", Free()),
    ]
    machine.nvml.bring_back("GPU-a")
    assert machine.gpu("GPU-a", now=103).availability == Free()


def test_a_card_that_was_lost_before_it_was_ever_seen_is_listed(open_machine: Opener) -> None:
    machine = open_machine(Card("GPU-a"), Card("GPU-b", hidden=UNKNOWN))
    assert machine.gpu("unknown-1", now=100).availability == Lost("Unknown Error")
    machine.nvml.bring_back("GPU-b")
    assert [gpu.uuid for gpu in machine.observe(now=102).gpus] == ["GPU-a", "GPU-b"]


def test_a_card_that_the_driver_forgets_is_lost_and_those_behind_it_keep_their_place(open_machine: Opener) -> None:
    machine = open_machine(Card("GPU-a"), Card("GPU-b"), limits=Limits(exclude=(0,)))
    machine.observe(now=100)
    machine.nvml.remove("GPU-a")
    host = machine.observe(now=101)
    assert [(gpu.uuid, gpu.index) for gpu in host.gpus] == [("GPU-a", 0), ("GPU-b", 1)]
    assert host.gpus[1].availability == Free()


def test_a_card_that_the_driver_forgets_says_so(open_machine: Opener) -> None:
    machine = open_machine(Card("GPU-a"), Card("GPU-b"))
    machine.observe(now=100)
    machine.nvml.remove("GPU-b")
    assert machine.gpu("GPU-b", now=101).availability == Lost("the driver no longer lists it")


@pytest.mark.parametrize(
    ("code", "advice"),
    [(DRIVER_NOT_LOADED, "modprobe nvidia"), (VERSION_MISMATCH, "reboot"), (UNKNOWN, "Unknown Error")],
)
def test_a_driver_that_breaks_is_trouble_and_mends(open_machine: Opener, code: int, advice: str) -> None:
    machine = open_machine(Card("GPU-a"))
    machine.observe(now=100)
    machine.nvml.break_driver(code)
    host = machine.observe(now=101)
    assert advice in host.trouble
    assert [gpu.availability for gpu in host.gpus] == [Lost("the driver does not answer")]
    assert host.memory_total_bytes > 0
    machine.nvml.mend_driver()
    mended = machine.observe(now=102.5)
    assert (mended.trouble, mended.gpus[0].availability) == ("", Free())


def test_a_driver_that_is_broken_from_the_start_is_trouble_and_not_a_cpu(open_machine: Opener) -> None:
    machine = open_machine(Card("GPU-a"), broken=VERSION_MISMATCH)
    host = machine.observe(now=100)
    assert "reboot" in host.trouble
    assert host.gpus == ()
    assert machine.observe(now=101.5).trouble, "still broken after NVML was initialised again"
    machine.nvml.mend_driver()
    assert "reboot" in machine.observe(now=102).trouble, "the second attempt takes longer to come"
    mended = machine.observe(now=104)
    assert ([gpu.uuid for gpu in mended.gpus], mended.driver_version) == (["GPU-a"], "580.95.05")


def test_a_machine_without_cards_is_one_cpu(open_machine: Opener) -> None:
    assert [gpu.uuid for gpu in open_machine().observe().gpus] == ["CPU-0"]


def test_a_machine_without_the_library_has_no_cards_unless_the_kernel_has_the_driver(
    open_machine: Opener, tmp_path: Path
) -> None:
    unloadable = tmp_path / "lib" / "libnvidia-ml.so.1"
    unloadable.parent.mkdir()
    unloadable.write_text("no library", encoding="ascii")
    proc = tmp_path / "proc"
    proc.mkdir()
    assert open_machine(library=unloadable, proc=proc).look() is None
    (proc / "driver/nvidia").mkdir(parents=True)
    assert "libnvidia-ml.so.1 is missing" in open_machine(library=unloadable, proc=proc).observe().trouble


def test_limits_exclude_cards_and_say_why(open_machine: Opener) -> None:
    machine = open_machine(
        Card("GPU-aa"), Card("GPU-ab"), Card("GPU-b"), limits=Limits(use=(1, 2), visible="GPU-aa,GPU-ab")
    )
    availabilities = [gpu.availability for gpu in machine.observe().gpus]
    assert availabilities == [
        Excluded("[gpus] use does not name GPU 0"),
        Free(),
        Excluded("CUDA_VISIBLE_DEVICES='GPU-aa,GPU-ab' hides it"),
    ]


def test_nvml_is_initialised_again_after_longer_and_longer_waits() -> None:
    backoff, now = Backoff(), 0.0
    due_at: list[float] = []
    backoff.note(now, is_well=False)
    while len(due_at) < 9:
        now += 0.5
        if backoff.is_due(now):
            due_at.append(now)
        backoff.note(now, is_well=False)
    waits = [later - earlier for earlier, later in pairwise(due_at)]
    assert due_at[0] == 1.0
    assert waits == [2, 4, 8, 16, 32, LONGEST_RETRY_S, LONGEST_RETRY_S, LONGEST_RETRY_S]
    backoff.note(now, is_well=True)
    assert backoff == Backoff()


def test_a_clock_that_is_set_back_does_not_put_the_next_try_off() -> None:
    backoff = Backoff()
    backoff.note(1_000_000.0, is_well=False)
    assert not backoff.is_due(1_000_000.5)
    assert backoff.is_due(1_000.0)


def test_it_is_told_whose_memory_is_whose(open_machine: Opener, start_process: Starter) -> None:
    one, other, stranger = start_process(attempt="1f6c"), start_process(attempt="1f6c"), start_process()
    machine = open_machine(
        Card(
            "GPU-a",
            used_bytes=12 * GIB,
            processes=(Held(one.pid, 6 * GIB), Held(other.pid, 2 * GIB), Held(stranger.pid, 200 * MIB)),
        )
    )
    gpu = machine.gpu("GPU-a")
    assert gpu.availability == Free(), "a stranger that holds so little is in nobody's way"
    assert gpu.tenants == (Tenant("1f6c", 8 * GIB),)
    assert gpu.foreign_bytes == 4 * GIB, "what nobody says that he holds can't be promised to anybody"
    machine.nvml.set("GPU-a", processes=(Held(one.pid, None), Held(stranger.pid, 200 * MIB)))
    gpu = machine.gpu("GPU-a")
    assert gpu.tenants == ()
    assert gpu.foreign_bytes == 200 * MIB, "of ours it is not known how much is used"
