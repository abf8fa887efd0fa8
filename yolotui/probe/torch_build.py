"""What the installed torch was built for, read without importing it (an import takes seconds), and what that needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# The oldest driver branch by major version of CUDA: docs.nvidia.com/deploy/cuda-compatibility, "Minor Version
# Compatibility", table 1. Newer drivers run everything older.
OLDEST_DRIVER = {11: 450, 12: 525, 13: 580}


@dataclass(frozen=True)
class TorchBuild:
    """`cuda` is like "13.2", or None for a build that knows the CPU only."""

    version: str
    cuda: str | None

    @property
    def oldest_driver(self) -> int | None:
        """The driver branch from which on it runs; None for a CPU build, or a CUDA that is not in the table."""
        return OLDEST_DRIVER.get(int(self.cuda.split(".")[0])) if self.cuda else None

    def runs_on(self, driver_version: str) -> bool | None:
        """Whether a driver like "580.95.05" is new enough; None where nobody can tell."""
        branch = re.match(r"\d+", driver_version)
        if self.oldest_driver is None or branch is None:
            return None
        return int(branch[0]) >= self.oldest_driver


def installed_torch() -> TorchBuild | None:
    """The torch of this interpreter; None where there is none."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    return read_build(Path(spec.origin).with_name("version.py"))


def read_build(version_file: Path) -> TorchBuild | None:
    """What a torch's `version.py` says; None where it can't be read."""
    try:
        text = version_file.read_text(encoding="utf-8")
    except OSError:
        return None
    version = re.search(r"^__version__\s*=\s*['\"](?P<version>[^'\"]+)['\"]", text, re.MULTILINE)
    cuda = re.search(r"^cuda\b[^=]*=\s*['\"](?P<cuda>\d+[\d.]*)['\"]", text, re.MULTILINE)
    return TorchBuild(version["version"], cuda["cuda"] if cuda else None) if version else None
