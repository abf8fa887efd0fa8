"""The report of a night or a week: gathered once, told on the terminal, as Markdown, as a page, as JSON."""

from __future__ import annotations
