"""doctor: each check on real files of a machine that has, or hasn't, the trouble."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from yolotui import doctor
from yolotui.core.gpus import Excluded, Foreign, Gpu, Host, Lost
from yolotui.doctor import Finding, Level, examine
from yolotui.locations import Home
from yolotui.probe import logind, mounts
from yolotui.probe.logind import LogoutPolicy, logout_policy
from yolotui.probe.mounts import Mount, mount_of
from yolotui.probe.torch_build import TorchBuild, installed_torch, read_build

GIB = 1024**3
UTF8 = {"TERM": "xterm-256color", "LANG": "en_US.UTF-8"}
CUDA_13 = TorchBuild("2.15.0+cu132", "13.2")


def cuda_host(*gpus: Gpu, driver_version: str = "580.95.05", trouble: str = "") -> Host:
    return Host(
        at=0.0, gpus=gpus or (Gpu(uuid="GPU-a", index=0, name="A"),), driver_version=driver_version, trouble=trouble
    )


def the_only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with a local disk, a large /dev/shm (as large as the disk) and without systemd."""
    root = tmp_path / "root"
    write(root / "proc/mounts", "/dev/sda1 / ext4 rw 0 0\n")
    (root / "dev/shm").mkdir(parents=True)
    return root


def test_all_checks_are_made_in_order_and_what_is_bad_carries_advice(home: Home, root: Path) -> None:
    findings = examine(home, observe=cuda_host, torch=lambda: CUDA_13, environ={}, root=root)
    names = list(dict.fromkeys(finding.name for finding in findings))
    assert names == [
        *("python", "yolotui", "ultralytics", "torch", "sqlite", "driver", "gpus"),
        *("home", "disk: home", "disk: runs", "shared memory", "logout", "terminal"),
    ]
    assert all(finding.advice for finding in findings if finding.level is not Level.OK)
    assert findings[-1].level is Level.WARNING  # no TERM


def test_versions_come_from_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = {finding.name: finding.level for finding in doctor.check_versions()}
    assert levels["ultralytics"] is levels["torch"] is levels["python"] is Level.OK

    def missing(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(doctor, "version", missing)
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (9, 0))
    levels = {finding.name: finding.level for finding in doctor.check_versions()}
    assert levels["ultralytics"] is levels["torch"] is levels["python"] is Level.ERROR


@pytest.mark.parametrize(
    ("driver", "torch", "level"),
    [
        ("580.65.06", CUDA_13, Level.OK),
        ("610.1", CUDA_13, Level.OK),
        ("575.57.08", CUDA_13, Level.ERROR),
        ("525.60.13", TorchBuild("2.6.0+cu124", "12.4"), Level.OK),
        ("470.82.01", TorchBuild("2.6.0+cu124", "12.4"), Level.ERROR),
        ("470.82.01", TorchBuild("2.0.1+cu118", "11.8"), Level.OK),
        ("580.95.05", TorchBuild("2.15.0+cpu", None), Level.ERROR),
        ("", CUDA_13, Level.WARNING),
        ("580.95.05", TorchBuild("3.0", "19.1"), Level.WARNING),
    ],
)
def test_the_driver_has_to_be_new_enough_for_torch(driver: str, torch: TorchBuild, level: Level) -> None:
    finding = the_only(list(doctor.check_driver(cuda_host(driver_version=driver), torch)))
    assert finding.level is level
    assert torch.version in finding.sentence


def test_without_nvidia_cards_any_torch_will_do() -> None:
    cpu = Host(at=0.0, gpus=(Gpu(uuid="CPU-0", index=0, name="x", kind="cpu"),))
    assert list(doctor.check_driver(cpu, CUDA_13)) == []
    assert the_only(list(doctor.check_gpus(cpu))).sentence == "No NVIDIA GPU is used; jobs run on CPU-0."


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("__version__ = '2.15.0+cu132'\ncuda: Optional[str] = '13.2'\n", CUDA_13),
        ("__version__ = '2.1.0'\ncuda = '12.1'\n", TorchBuild("2.1.0", "12.1")),
        (
            "__version__ = '2.15.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = '6.2'\n",
            TorchBuild("2.15.0+cpu", None),
        ),
        ("nothing", None),
    ],
)
def test_torch_s_cuda_is_read_from_its_text(tmp_path: Path, text: str, build: TorchBuild | None) -> None:
    assert read_build(write(tmp_path / "version.py", text)) == build
    assert read_build(tmp_path / "missing.py") is None


def test_the_installed_torch_is_the_one_that_the_metadata_names() -> None:
    torch = installed_torch()
    assert torch is not None
    assert torch.version.split("+")[0] == version("torch").split("+")[0]


def test_each_card_with_a_trouble_is_named() -> None:
    cards = (
        Gpu(uuid="a", index=0, name="A", availability=Lost("GPU is lost")),
        Gpu(uuid="b", index=1, name="A", availability=Foreign((41, 42), 3 * GIB, ("bob",))),
        Gpu(uuid="c", index=2, name="B", availability=Excluded("drained")),
        Gpu(uuid="d", index=3, name="B", ecc_errors=4),
    )
    summary, *findings = doctor.check_gpus(cuda_host(*cards))
    assert summary.sentence == "4 GPUs: A, B."
    assert [(finding.name, finding.level) for finding in findings] == [
        ("gpu 0", Level.ERROR),
        ("gpu 1", Level.OK),
        ("gpu 2", Level.OK),
        ("gpu 3", Level.WARNING),
    ]
    assert "GPU is lost" in findings[0].sentence
    assert "of bob (pid 41, 42, 3.0 GiB)" in findings[1].sentence


def test_a_driver_in_trouble_is_an_error() -> None:
    finding = the_only(list(doctor.check_gpus(Host(at=0.0, trouble="the NVIDIA driver is not loaded."))))
    assert finding.level is Level.ERROR
    assert "the NVIDIA driver is not loaded." in finding.sentence


def test_a_private_home_is_fine(home: Home, root: Path) -> None:
    assert the_only(list(doctor.check_home(home, root))).level is Level.OK


def test_a_home_that_is_not_there_yet_is_fine(tmp_path: Path, root: Path) -> None:
    finding = the_only(list(doctor.check_home(Home(tmp_path / "not" / "yet"), root)))
    assert finding.level is Level.OK
    assert "not there yet" in finding.sentence


def test_what_others_may_use_is_a_warning_with_the_command_that_mends_it(home: Home, root: Path) -> None:
    home.root.chmod(0o755)
    write(home.queue, "").chmod(0o640)
    write(home.samples, "").chmod(0o600)
    findings = list(doctor.check_home(home, root))
    assert [finding.advice for finding in findings] == [f"chmod 700 {home.root}", f"chmod 600 {home.queue}"]
    assert {finding.level for finding in findings} == {Level.WARNING}


def test_a_home_of_another_user_is_an_error(home: Home, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody_else = home.root.stat().st_uid + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody_else)
    finding = the_only(list(doctor.check_home(home, root)))
    assert finding.level is Level.ERROR
    assert "not to you" in finding.sentence


def test_a_home_that_is_a_file_or_can_not_be_written_is_an_error(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Home(write(tmp_path / "file", ""))
    assert "not a directory" in the_only(list(doctor.check_home(file, root))).sentence
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.F_OK)  # whoever runs the tests may be root
    finding = the_only(list(doctor.check_home(Home(tmp_path), root)))
    assert (finding.level, "can't be written" in finding.sentence) == (Level.ERROR, True)


def test_a_home_on_a_network_file_system_is_a_warning(home: Home, root: Path) -> None:
    write(root / "proc/mounts", f"/dev/sda1 / ext4 rw 0 0\nserver:/export {home.root.parent} nfs4 rw 0 0\n")
    fine, network = doctor.check_home(home, root)
    assert fine.level is Level.OK
    assert network.level is Level.WARNING
    assert f"nfs4 at {home.root.parent}" in network.sentence


def test_the_mount_is_the_deepest_and_the_last_that_holds_the_path(tmp_path: Path) -> None:
    table = write(
        tmp_path / "mounts",
        "/dev/sda1 / ext4 rw 0 0\n"
        "server:/a /da nfs rw 0 0\n"
        "/dev/sdb1 /data xfs rw 0 0\n"
        "me@host:/x /data/my\\040runs fuse.sshfs rw 0 0\n"
        "auto /auto autofs rw 0 0\nserver:/b /auto cifs rw 0 0\n"
        "broken\n",
    )
    assert mount_of(Path("/home/me"), table) == Mount(Path("/"), "ext4")
    assert mount_of(Path("/data/new/folder"), table) == Mount(Path("/data"), "xfs")
    assert mount_of(Path("/data/my runs/1"), table) == Mount(Path("/data/my runs"), "fuse.sshfs")
    assert mount_of(Path("/auto/x"), table) == Mount(Path("/auto"), "cifs")
    assert mount_of(Path("/"), tmp_path / "missing") is None


@pytest.mark.parametrize(
    ("kind", "is_network"), [("nfs4", True), ("fuse.sshfs", True), ("ext4", False), ("nfsd", False)]
)
def test_network_file_systems_are_known_by_their_whole_name(kind: str, is_network: bool) -> None:
    assert Mount(Path("/"), kind).is_network is is_network


def test_this_machine_s_own_table_can_be_read() -> None:
    mount = mount_of(Path("/proc/self"), mounts.MOUNTS)
    assert mount is not None
    assert mount.type == "proc"


@pytest.mark.parametrize(
    ("free_gib", "level"), [(0.9, Level.ERROR), (1, Level.WARNING), (9.9, Level.WARNING), (10, Level.OK)]
)
def test_the_disk_needs_room(tmp_path: Path, free_gib: float, level: Level) -> None:
    asked: list[Path] = []

    def free_bytes(path: Path) -> int:
        asked.append(path)
        return int(free_gib * GIB)

    finding = the_only(list(doctor.check_disk({"runs": tmp_path / "not" / "there"}, free_bytes)))
    assert (finding.name, finding.level, asked) == ("disk: runs", level, [tmp_path])


def test_shared_memory_needs_a_gibibyte(tmp_path: Path) -> None:
    for total, level in ((64 * 1024**2, Level.WARNING), (GIB, Level.OK)):
        finding = the_only(list(doctor.check_shared_memory(tmp_path, lambda path, total=total: total)))  # type: ignore[misc]
        assert finding.level is level
    assert the_only(list(doctor.check_shared_memory(tmp_path / "missing"))).level is Level.WARNING


def systemd(root: Path, main: str, *, linger: str | None = None) -> None:
    (root / "run/systemd/system").mkdir(parents=True, exist_ok=True)
    write(root / "etc/systemd/logind.conf", main)
    if linger:
        write(root / "var/lib/systemd/linger" / linger, "")


@pytest.mark.parametrize(
    ("main", "kills"),
    [
        ("[Login]\n#KillUserProcesses=no\n", False),  # how distributions write down what they built in
        ("[Login]\n#KillUserProcesses=yes\n", True),
        ("[Login]\n#KillUserProcesses=no\nKillUserProcesses = yes\n", True),
        ("[Login]\n#KillUserProcesses=no\nKillUserProcesses=yes\nKillExcludeUsers=root ann\n", False),
        ("[Login]\nKillUserProcesses=yes\nKillOnlyUsers=bob\n", False),
        ("[Login]\nKillUserProcesses=yes\nKillOnlyUsers=ann bob\n", True),
        ("[Login]\n#KillUserProcesses=no\nKillUserProcesses=yes\nKillUserProcesses=\n", False),
        ("", True),  # systemd's own default
    ],
)
def test_logind_s_main_file_is_understood(tmp_path: Path, main: str, kills: bool) -> None:
    systemd(tmp_path, main)
    assert logout_policy("ann", tmp_path) == LogoutPolicy(kills=kills, lingers=False)


def test_drop_ins_count_by_name_and_hide_their_namesakes(tmp_path: Path) -> None:
    systemd(tmp_path, "[Login]\n#KillUserProcesses=no\n")
    write(tmp_path / "usr/lib/systemd/logind.conf.d/50-vendor.conf", "[Login]\nKillUserProcesses=yes\n")
    assert logout_policy("ann", tmp_path) == LogoutPolicy(kills=True, lingers=False)
    write(tmp_path / "etc/systemd/logind.conf.d/40-ours.conf", "[Login]\nKillUserProcesses=no\n")
    write(tmp_path / "etc/systemd/logind.conf.d/99.txt", "[Login]\nKillUserProcesses=no\n")
    assert logout_policy("ann", tmp_path) == LogoutPolicy(kills=True, lingers=False)
    write(tmp_path / "etc/systemd/logind.conf.d/50-vendor.conf", "")
    assert logout_policy("ann", tmp_path) == LogoutPolicy(kills=False, lingers=False)


def test_without_systemd_there_is_no_policy(tmp_path: Path) -> None:
    assert logind.logout_policy("ann", tmp_path) is None
    assert the_only(list(doctor.check_logout("ann", tmp_path))).level is Level.OK


@pytest.mark.parametrize(
    ("setting", "linger", "level", "advises_linger"),
    [
        ("yes", None, Level.WARNING, True),
        ("yes", "ann", Level.WARNING, False),
        ("no", None, Level.OK, True),
        ("no", "ann", Level.OK, False),
        ("no", "bob", Level.OK, True),
    ],
)
def test_logging_out_must_not_end_the_night(
    tmp_path: Path, setting: str, linger: str | None, level: Level, advises_linger: bool
) -> None:
    systemd(tmp_path, f"[Login]\nKillUserProcesses={setting}\n", linger=linger)
    finding = the_only(list(doctor.check_logout("ann", tmp_path)))
    assert finding.level is level
    assert ("loginctl enable-linger ann" in finding.advice) is advises_linger


@pytest.mark.parametrize(
    ("environ", "level"),
    [
        (UTF8, Level.OK),
        ({"TERM": "screen", "LC_ALL": "C.utf8", "LANG": "C"}, Level.OK),
        ({"TERM": "xterm", "LC_ALL": "C", "LANG": "en_US.UTF-8"}, Level.WARNING),
        ({"TERM": "xterm"}, Level.WARNING),
        ({**UTF8, "TERM": "dumb"}, Level.WARNING),
        ({"LANG": "en_US.UTF-8"}, Level.WARNING),
    ],
)
def test_the_terminal_has_to_draw_and_speak_utf_8(environ: dict[str, str], level: Level) -> None:
    assert the_only(list(doctor.check_terminal(environ))).level is level
