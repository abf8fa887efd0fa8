"""What the health rules have found in runs: as a sign in a row, in one row, and in full. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style

from yolotui.core.health import Finding, Severity, reason_for
from yolotui.core.jobs import Job
from yolotui.core.preflight import Remark
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import CAUTION, PLAIN, QUIET, RED, STRONG, ink
from yolotui.tui.panels.texts import pieces, spread, wrapped
from yolotui.tui.plot import Row
from yolotui.tui.words import number, plain

STYLES = {Severity.INFO: QUIET, Severity.WARNING: CAUTION, Severity.ERROR: ink(RED, bold=True)}
LABEL_WIDTH = 8
ROOM_FOR_A_SENTENCE = 70


def complaint_sign(jobs: Iterable[Job], glyphs: Glyphs) -> Segment:
    """One cell: whether something is wrong with any of the jobs, in the colour of the worst."""
    severities = {job.complaint.severity for job in jobs if job.complaint}
    worst = next((each for each in (Severity.ERROR, Severity.WARNING) if each in severities), None)
    return Segment(glyphs.attention, STYLES[worst]) if worst else Segment(" ")


def worst_row(findings: Sequence[Finding], width: int, glyphs: Glyphs, key: str) -> Row:
    """The worst of the findings in one row, with the key that shows all; `findings` begin with it."""
    if not findings:
        return []
    worst = findings[0]
    text = plain(worst.text) if width >= ROOM_FOR_A_SENTENCE else worst.rule
    left = pieces((f"{glyphs.attention} {worst.severity}: ", STYLES[worst.severity]), (text, PLAIN))
    more = f"{key} tells all {len(findings)} " if len(findings) > 1 else f"{key} tells more "
    return spread(left, pieces((more, QUIET)), width, glyphs.ellipsis)


def finding_rows(findings: Sequence[Finding], width: int, glyphs: Glyphs) -> list[Row]:
    """Each finding in full: what was seen, the numbers, what to do, why there is such a rule, and where to read on."""
    rows: list[Row] = []
    for each in findings:
        numbers = ", ".join(f"{name} {_figure(value)}" for name, value in each.numbers.items())
        rows += remark_rows(each, width, glyphs, each.since)
        rows += _told("why", reason_for(each.rule), QUIET, width)
        rows += _told("numbers", numbers, QUIET, width)
        rows += [*_told("more", each.link, QUIET, width), []]
    return rows


def remark_rows(remark: Finding | Remark, width: int, glyphs: Glyphs, since: str = "") -> list[Row]:
    """What was found, and what to do about it."""
    sign = f"{glyphs.attention} {remark.severity}  "
    head = pieces((sign, STYLES[remark.severity]), (plain(remark.rule), STRONG), (f"  {since}", QUIET))
    return [head, *_told("", remark.text, PLAIN, width), *_told("to do", remark.advice, PLAIN, width)]


def _figure(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else number(value)


def _told(label: str, text: str, style: Style, width: int) -> list[Row]:
    """A text beside its label, if there is one."""
    lines = wrapped(plain(text), width - LABEL_WIDTH - 2, style) if text else []
    return [[*pieces((f"  {label if not at else '':{LABEL_WIDTH}}", QUIET)), *line] for at, line in enumerate(lines)]
