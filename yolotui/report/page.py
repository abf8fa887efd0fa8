"""A report as one page that needs nothing else: HTML with its charts as SVG. No pictures of data are in it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from yolotui.core.reporting import Usage
from yolotui.report.gathering import Curve, NightReport, Strip
from yolotui.report.sections import HOUR_S, Section
from yolotui.units import format_clock

WIDTH, LABEL = 960, 170
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#999999", "#000000")  # Okabe and Ito's
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: .7em 0 } th, td { padding: .25em .8em; text-align: left }
th { border-bottom: 2px solid #888 } td { border-bottom: 1px solid #ddd } .figure { text-align: right }
svg { width: 100%; height: auto } svg text { font: 12px system-ui, sans-serif; fill: #333 } h2 { margin-top: 1.6em }
"""


def page(night: NightReport, told: Sequence[Section], now: float) -> str:
    """The whole page."""
    charts = {
        "GPUs": _heat_strips(night, now),
        "By owner": _bars(night.usage.by_owner),
        "Runs": _curves(night.curves),
    }
    body = []
    for number, section in enumerate(told):
        head = "h1" if number == 0 else "h2"
        body.append(f"<{head}>{escape(section.title)}</{head}>")
        body += [f"<p>{escape(sentence)}</p>" for sentence in section.sentences]
        body += [charts.get(section.title, ""), _table(section)]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(told[0].title)}</title>'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(part for part in body if part) + "\n</body></html>\n"
    )


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    kinds = [' class="figure"' if column in section.right else "" for column in section.columns]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, section.columns, strict=True))
    rows = "\n".join(
        "<tr>" + "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True)) + "</tr>"
        for row in section.rows
    )
    return f"<table><tr>{head}</tr>\n{rows}</table>"


def _svg(height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">' + "".join(parts) + "</svg>"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _heat_strips(night: NightReport, now: float) -> str:
    """A row a card: above how much it was given to jobs, below, where somebody looked, how much it computed."""
    if not night.strips:
        return ""
    parts: list[str] = []
    for number, strip in enumerate(night.strips):
        parts += _strip(strip, 8 + number * 40)
    bottom = 8 + len(night.strips) * 40 + 12
    usage = night.usage
    for share in (0, 0.25, 0.5, 0.75, 1):
        at = usage.since + share * (usage.until - usage.since)
        anchor = "end" if share == 1 else "middle" if share else "start"
        parts.append(_text(LABEL + share * (WIDTH - LABEL), bottom, format_clock(at, now), anchor=anchor))
    legend = "blue: given to jobs; orange: computing (the card's own utilisation), grey: nobody looked"
    parts.append(_text(LABEL, bottom + 20, legend))
    return _svg(bottom + 28, parts, "GPUs over time")


def _strip(strip: Strip, top: float) -> list[str]:
    width = (WIDTH - LABEL) / len(strip.given)
    parts = [_text(0, top + 18, strip.label[:24])]
    for cell, (given, computed) in enumerate(zip(strip.given, strip.computed, strict=True)):
        x = f'x="{LABEL + cell * width:.1f}" width="{width + 0.2:.1f}"'
        parts.append(f'<rect {x} y="{top}" height="18" fill="{COLOURS[0]}" fill-opacity="{0.06 + 0.94 * given:.2f}"/>')
        fill = "#bbb" if computed is None else COLOURS[1]
        depth = 0.4 if computed is None else 0.06 + 0.94 * computed
        parts.append(f'<rect {x} y="{top + 20}" height="9" fill="{fill}" fill-opacity="{depth:.2f}"/>')
    return parts


def _bars(usages: Sequence[Usage]) -> str:
    if not usages:
        return ""
    most = max(usage.gpu_s for usage in usages) or 1.0
    parts = []
    for number, usage in enumerate(usages):
        y, width = 4 + number * 26, (WIDTH - LABEL - 90) * usage.gpu_s / most
        parts.append(_text(0, y + 14, usage.name[:24]))
        parts.append(f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="18" fill="{COLOURS[0]}"/>')
        parts.append(_text(LABEL + width + 6, y + 14, f"{usage.gpu_s / HOUR_S:.2f} h"))
    return _svg(8 + len(usages) * 26, parts, "GPU-hours by owner")


def _curves(curves: Sequence[Curve]) -> str:
    if not curves:
        return ""
    height, left, right = 260.0, 50.0, WIDTH - 250.0
    last = max(epoch for curve in curves for epoch, _ in curve.points)
    values = [value for curve in curves for _, value in curve.points]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    parts = [f'<path d="M{left},10V{height}H{right}" fill="none" stroke="#888"/>']
    parts += [_text(left - 6, 16, f"{high:.3g}", anchor="end"), _text(left - 6, height, f"{low:.3g}", anchor="end")]
    parts += [_text(right, height + 16, f"epoch {last}", anchor="end")]
    for number, curve in enumerate(curves):
        places = (
            f"{left + (right - left) * epoch / last:.1f},{height - (height - 12) * (value - low) / span:.1f}"
            for epoch, value in curve.points
        )
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<polyline points="{" ".join(places)}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        parts.append(f'<rect x="{right + 14}" y="{12 + number * 20}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(right + 32, 22 + number * 20, f"{curve.job_id} {curve.name} {curve.metric}"[:34]))
    return _svg(height + 24, parts, "How the runs went")
