"""The same shells as the command line's own tests have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import add, shapes, shell, store


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Verbs that write files by relative names do it there."""
    monkeypatch.chdir(tmp_path)


__all__ = ["add", "shapes", "shell", "store"]
