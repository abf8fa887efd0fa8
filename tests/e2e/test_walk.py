"""The dashboard as a person uses it: scripts/walk.py, in a real terminal, with real keys and real trainings."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WALK = Path(__file__).parent.parent.parent / "scripts/walk.py"


@pytest.mark.training
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_the_walk_comes_to_its_end() -> None:
    walked = subprocess.run([sys.executable, str(WALK)], capture_output=True, text=True, check=False)
    assert walked.returncode == 0, walked.stderr
    assert "back again" in walked.stdout
