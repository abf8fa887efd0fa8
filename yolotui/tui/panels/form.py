"""What the form says of what is being written: how it could go on, what is wrong, what it would come to. Pure."""

from __future__ import annotations

from rich.cells import cell_len

from yolotui.tui.draft import Draft
from yolotui.tui.examining import Examined, FileLook
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import PLAIN, QUIET, SKY, STATE_COLOURS, STRONG, ink
from yolotui.tui.panels.texts import cut, pieces, wrapped
from yolotui.tui.plot import Row
from yolotui.tui.words import fit, plain

FAILED, GOOD = ink(STATE_COLOURS["failed"]), ink(STATE_COLOURS["succeeded"])


def advice_row(candidates: list[str], text: str, width: int, glyphs: Glyphs) -> Row:
    """The candidates beside each other, as many as fit; of long texts only what is new."""
    if not candidates:
        return []
    head = text[: text.rfind(" ") + 1] if " " in text else text[: text.rfind("/") + 1]
    row = pieces((" Right takes: ", QUIET))
    used = sum(cell_len(segment.text) for segment in row)
    for number, candidate in enumerate(candidates):
        word = plain(candidate.removeprefix(head)) + "  "
        if used + cell_len(word) > width - 2 and number:
            row += pieces((glyphs.ellipsis, QUIET))
            break
        row += pieces((word, ink(SKY, bold=True) if number == 0 else PLAIN))
        used += cell_len(word)
    return cut(row, width, glyphs.ellipsis)


def verdict_rows(examined: Examined | None, draft: Draft, key: str, width: int, glyphs: Glyphs) -> list[Row]:
    """Mistakes, or what the job would come to; what is not of the newest text is not shown.

    `key` submits.
    """
    if not any(draft.text(key) for key in draft.texts):
        tip = "A model and a data set are all that it takes. What it would come to is shown here while you write."
        return [[], *([*pieces((" ", PLAIN)), *row] for row in wrapped(tip, width - 2, QUIET))]
    if examined is None or examined.draft != draft:
        return [[], pieces((f" {glyphs.state('waiting')} looking at it{glyphs.ellipsis}", QUIET))]
    if examined.spec is None:
        return [[], *(row for mistake in examined.mistakes for row in _said("failed", mistake, width, glyphs))]
    ready = "can be changed so" if draft.edits else "can be submitted"
    rows: list[Row] = [[], pieces((f" {glyphs.state('succeeded')} {ready}: ", GOOD), (key, STRONG))]
    for number, sentence in enumerate(examined.foreseen):
        rows += [[*pieces(("   ", PLAIN)), *row] for row in wrapped(sentence, width - 4, QUIET if number else PLAIN)]
    return rows


def _said(state: str, text: str, width: int, glyphs: Glyphs) -> list[Row]:
    lines = wrapped(plain(text), width - 4, FAILED)
    return [
        [*pieces((f" {glyphs.state(state)} " if number == 0 else "   ", FAILED)), *line]
        for number, line in enumerate(lines)
    ]


def file_rows(look: FileLook | None, key: str, width: int, glyphs: Glyphs) -> list[Row]:
    """What a file of jobs would submit with `key`, or every mistake in it."""
    if look is None:
        about = " A file of jobs is taken whole or not at all; taking it again adds nothing twice."
        return [[], pieces((about, QUIET))]
    if look.mistakes:
        return [[], *(row for mistake in look.mistakes if mistake for row in _said("failed", mistake, width, glyphs))]
    many = f"{len(look.jobs)} jobs" if len(look.jobs) != 1 else "1 job"
    rows: list[Row] = [
        [],
        pieces((f" {glyphs.state('succeeded')} {many} can be submitted: ", GOOD), (key, STRONG)),
        [],
        pieces((f"   {'LINE':>4} P  {fit('NAME', 28, '')} {fit('KIND', 8, '')} GPUS  WHAT", QUIET)),
    ]
    for job in look.jobs:
        spec = job.spec
        what = " ".join(spec.command) or f"{spec.model or ''}  {(spec.data or '').rpartition('/')[2]}"
        after = f"  after {', '.join(name for name, _ in spec.needs)}" if spec.needs else ""
        row = pieces(
            (f"   {job.line:>4} {job.priority.name} ", QUIET),
            (fit(plain(spec.name), 28, glyphs.ellipsis), PLAIN),
            (f" {fit(spec.kind.value, 8, '')} {spec.gpus:>4}  {plain(what + after)}", QUIET),
        )
        rows.append(cut(row, width, glyphs.ellipsis))
    return rows
