"""`python -m yolotui.tui [HOME]`: the dashboard on its own, for those who work on it."""

from __future__ import annotations

import sys
from pathlib import Path

from yolotui.tui import run_dashboard

sys.exit(run_dashboard(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
