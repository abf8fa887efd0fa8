"""What importing the dashboard costs."""

from __future__ import annotations

import subprocess
import sys


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sorted(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_the_door_imports_nothing_heavy():
    assert not {"torch", "ultralytics", "textual", "rich"} & modules_after("import yolotui.tui")


def test_the_whole_dashboard_imports_neither_torch_nor_the_scheduler():
    loaded = modules_after("import yolotui.tui.app")
    assert "textual" in loaded
    assert not {"torch", "ultralytics", "yolotui.scheduler", "numpy", "cv2"} & loaded
