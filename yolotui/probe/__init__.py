"""What this machine has: its GPUs, what stands in their way, and how busy the host is.

The door is `open_devices`, which gives something to `observe`. Trouble with the hardware is part of what is observed,
never an exception: a lost card is a `Lost` one, a driver that doesn't answer is the host's `trouble`.
"""

from __future__ import annotations

from yolotui.probe.devices import Devices, open_devices
from yolotui.probe.limits import Limits
from yolotui.probe.samples import GpuSample, HostSample, Samples

__all__ = ["Devices", "GpuSample", "HostSample", "Limits", "Samples", "open_devices"]
