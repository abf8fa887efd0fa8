"""The command line: one thin command a verb. stdout is data, stderr is narration, the exit code is the answer."""

from __future__ import annotations
