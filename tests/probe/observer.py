"""The probe in a process of its own, for which the stand-in is the machine's NVML.

A line with a time in, the observed Host as JSON out. Whoever carries an attempt's tag is ours.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from yolotui.probe import Devices, Limits, open_devices
from yolotui.probe.nvml import open_nvml
from yolotui.probe.processes import attempt_of


class Options(msgspec.Struct):
    """How to open the devices. With `proc` it is NVML's own door that is tried, with another /proc."""

    limits: Limits
    selector: str | None = None
    proc: str | None = None


def open_as_told(options: Options) -> Devices | None:
    if options.proc is not None:
        return open_nvml(options.limits, attempt_of, proc=Path(options.proc))
    return open_devices(options.selector, limits=options.limits, whose=attempt_of)


def main() -> None:
    devices = open_as_told(msgspec.json.decode(sys.argv[1], type=Options))
    for line in sys.stdin:
        observed = devices and devices.observe(float(line))
        print(msgspec.json.encode(observed).decode(), flush=True)


if __name__ == "__main__":
    main()
