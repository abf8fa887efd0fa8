"""Charts of a page, as SVG that needs nothing else. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from yolotui.harmless import clean
from yolotui.report.gathering import Strip
from yolotui.report.sections import Chart, HeatStrips, LineChart

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#999999", "#000000")  # Okabe and Ito's
GIVEN, COMPUTES, UNSEEN = COLOURS[0], COLOURS[1], "#bbb"
WIDTH, HEIGHT, LEFT = 700.0, 260.0, 70.0
MARK = 'fill="none" stroke="#888" stroke-dasharray="4 4"'


def svg(chart: Chart) -> str:
    """A chart with its legend, as HTML."""
    return _heat_strips(chart) if isinstance(chart, HeatStrips) else _lines(chart)


def words(text: str) -> str:
    """A text of people, or of a trainer, as HTML that means just these words."""
    return escape(clean(text))


def _heat_strips(chart: HeatStrips) -> str:
    """A row a card: above how much it was given to jobs, below, where somebody looked, how much it computed."""
    rows = [f"<span>{words(strip.label)}</span>{_strip(strip)}" for strip in chart.strips]
    times = "".join(f"<span>{words(moment)}</span>" for moment in chart.moments)
    keys = ((GIVEN, "given to jobs"), (COMPUTES, "computes (the card's own utilisation)"), (UNSEEN, "nobody looked"))
    legend = "".join(f"{_key(colour)}{words(text)}" for colour, text in keys)
    return f'<div class="strips">{"".join(rows)}<div class="times">{times}</div></div><p>{legend}</p>'


def _strip(strip: Strip) -> str:
    parts = []
    for cell, (given, computed) in enumerate(zip(strip.given, strip.computed, strict=True)):
        parts.append(_cell(cell, 0, 18, GIVEN, 0.06 + 0.94 * given))
        seen = (UNSEEN, 0.4) if computed is None else (COMPUTES, 0.06 + 0.94 * computed)
        parts.append(_cell(cell, 20, 12, *seen))
    return _svg(len(strip.given), 32, parts, strip.label, ' preserveAspectRatio="none"')


def _cell(x: int, y: int, height: int, colour: str, opacity: float) -> str:
    return f'<rect x="{x}" y="{y}" width="1.03" height="{height}" fill="{colour}" fill-opacity="{opacity:.2f}"/>'


def _key(colour: str) -> str:
    return f'<span class="key" style="background: {colour}"></span>'


def _lines(chart: LineChart) -> str:
    """The lines over one another, and beside them what each is; a dashed upright line is a mark."""
    last = max(epoch for line in chart.lines for epoch, _ in line.points)
    values = [value for line in chart.lines for _, value in line.points]
    low, high = min(values), max(values)
    span = (high - low) or 1.0

    def across(epoch: int) -> float:
        return LEFT + (WIDTH - LEFT) * epoch / max(last, 1)

    parts = [f'<path d="M{LEFT},10V{HEIGHT}H{WIDTH}" fill="none" stroke="#888"/>']
    parts += [f'<path d="M{across(mark):.1f},10V{HEIGHT}" {MARK}/>' for mark in chart.marks]
    parts += [_text(LEFT - 6, 16, f"{high:.3g}"), _text(LEFT - 6, HEIGHT, f"{low:.3g}")]
    parts += [_text(WIDTH, HEIGHT + 16, f"epoch {last}")]
    names = []
    for number, line in enumerate(chart.lines):
        places = (
            f"{across(epoch):.1f},{HEIGHT - (HEIGHT - 12) * (value - low) / span:.1f}" for epoch, value in line.points
        )
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<polyline points="{" ".join(places)}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        names.append(f"<li>{_key(colour)}{words(line.label)}</li>")
    if chart.marks:
        names.append(f'<li><span class="key mark"></span>{words(chart.marked)}</li>')
    drawn = _svg(WIDTH, HEIGHT + 24, parts, chart.title)
    legend = f"<ul>{''.join(names)}</ul>"
    return f'<h3>{words(chart.title)}</h3><div class="curves">{drawn}{legend}</div>'


def _svg(width: float, height: float, parts: Sequence[str], title: str, more: str = "") -> str:
    view = f'viewBox="0 0 {width:.0f} {height:.0f}"{more}'
    return f'<svg {view} role="img" aria-label="{words(title)}">{"".join(parts)}</svg>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="end">{words(text)}</text>'
