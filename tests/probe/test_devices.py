"""The door: what the selector opens, and the hosts without NVIDIA cards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from yolotui.core.gpus import Excluded, Free, Gpu
from yolotui.errors import WrongUse
from yolotui.probe import Limits, open_devices
from yolotui.probe import host as host_room
from yolotui.probe.host import HostMeter, cpu_name
from yolotui.probe.limits import visible_uuids

GIB = 1024**3


def test_a_simulated_host_has_cards_with_lasting_names() -> None:
    host = open_devices("sim:2x24GiB").observe(now=7.0)
    assert host.at == 7.0
    assert host.memory_total_bytes > host.memory_available_bytes > 0
    assert host.gpus == tuple(
        Gpu(uuid=f"SIM-{i}", index=i, name="Simulated 24 GiB", kind="sim", memory_total_bytes=24 * GIB) for i in (0, 1)
    )


def test_cpu_slots_share_the_memory_and_the_load() -> None:
    devices = open_devices("cpu:2")
    host = devices.observe(now=7.0)
    devices.close()
    assert [(gpu.uuid, gpu.kind, gpu.availability) for gpu in host.gpus] == [
        ("CPU-0", "cpu", Free()),
        ("CPU-1", "cpu", Free()),
    ]
    assert {gpu.memory_total_bytes for gpu in host.gpus} == {host.memory_total_bytes // 2}
    assert {gpu.utilization_percent for gpu in host.gpus} == {round(host.cpu_percent)}


@pytest.mark.parametrize(
    "selector",
    ["gpu", "sim", "sim:", "sim:4", "sim:4x24", "sim:0x24GiB", "sim:65x1GiB", "sim:-1x24GiB", "cpu:0", "cpu:x"],
)
def test_a_selector_that_makes_no_sense_is_refused_with_a_sentence(selector: str) -> None:
    with pytest.raises(WrongUse, match=f"YOLOTUI_GPUS='{selector}'"):
        open_devices(selector)


def test_a_selector_may_have_blanks_around_it() -> None:
    assert len(open_devices(" sim:3x8GiB\n").observe(0.0).gpus) == 3


def test_use_and_exclude_hold_for_simulated_cards_and_cuda_s_variable_does_not() -> None:
    host = open_devices("sim:3x24GiB", limits=Limits(use=(0, 1), exclude=(0,), visible="")).observe(0.0)
    assert [gpu.availability for gpu in host.gpus] == [
        Excluded("[gpus] exclude names GPU 0"),
        Free(),
        Excluded("[gpus] use does not name GPU 2"),
    ]


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("0,2", {"GPU-aa1", "GPU-b"}),
        (" 1 ", {"GPU-aa2"}),
        ("GPU-b,GPU-aa2", {"GPU-b", "GPU-aa2"}),
        ("gpu-B", {"GPU-b"}),
        ("GPU-aa", set()),  # fits two cards
        ("", set()),
        ("-1", set()),
        ("0,-1,2", {"GPU-aa1"}),
        ("0,7,2", {"GPU-aa1"}),
        ("NoDevFiles", set()),
    ],
)
def test_cuda_visible_devices_is_read_as_cuda_reads_it(visible: str, expected: set[str]) -> None:
    gpus = [Gpu(uuid=uuid, index=i, name="") for i, uuid in enumerate(["GPU-aa1", "GPU-aa2", "GPU-b"])]
    assert visible_uuids(visible, gpus) == expected


def test_the_load_is_that_since_the_last_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([(10.0, 100.0), (15.0, 120.0), (15.0, 140.0), (15.0, 140.0)])
    monkeypatch.setattr(host_room, "_cpu_seconds", lambda: next(readings))
    meter = HostMeter()
    assert [meter.read().cpu_percent for _ in range(3)] == [25.0, 0.0, 0.0]


def test_the_processor_s_name_is_read(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: AMD EPYC 7B13\nprocessor\t: 1\n", encoding="ascii")
    assert cpu_name(cpuinfo) == "AMD EPYC 7B13"
    cpuinfo.write_text("processor\t: 0\n", encoding="ascii")
    assert cpu_name(cpuinfo) == "CPU"
    assert cpu_name(tmp_path / "missing") == "CPU"


def test_the_probe_and_the_doctor_import_nothing_heavy() -> None:
    code = (
        "import sys; import yolotui.probe, yolotui.doctor; yolotui.probe.open_devices('sim:1x1GiB').observe(0.0); "
        "print(*{name.split('.')[0] for name in sys.modules} & {'textual', 'rich', 'click', 'torch', 'ultralytics'})"
    )
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert answer.stdout.split() == []
