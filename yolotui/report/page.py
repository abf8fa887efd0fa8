"""A report as one page that needs nothing else: HTML with its charts as SVG, and pictures only where given. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from itertools import groupby

from yolotui.report.gathering import Curve, NightReport, Strip
from yolotui.report.pictures import Picture
from yolotui.report.sections import Chart, Section
from yolotui.units import format_clock

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#999999", "#000000")  # Okabe and Ito's
GIVEN, COMPUTES, UNSEEN = COLOURS[0], COLOURS[1], "#bbb"
BRIEF = frozenset({"at", "from", "cause", "foreseen", "between", "started", "state"})
"""Columns whose cells stay on one line; names may be of any length, and wrap."""
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em; color: #222 }
h1 { font-size: 1.6em } h2 { margin-top: 1.8em; font-size: 1.25em }
table { border-collapse: collapse; margin: .7em 0; font-size: .93em }
th, td { padding: .25em .8em; text-align: left; vertical-align: top; overflow-wrap: anywhere }
th { border-bottom: 2px solid #888; overflow-wrap: normal } td { border-bottom: 1px solid #ddd }
.name { min-width: 9em }
.brief, .figure { white-space: nowrap } .figure { text-align: right } td.bar { width: 16em; vertical-align: middle }
.bar div, .key { height: .8em; background: #0072b2 } .key { display: inline-block; width: 1em; margin: 0 .4em 0 1em }
.strips { display: grid; grid-template-columns: minmax(6em, 13em) 1fr; gap: .5em 1em; align-items: center }
.strips svg { width: 100%; height: 2.2em } .strips span { overflow-wrap: anywhere }
.times { grid-column: 2; display: flex; justify-content: space-between; font-size: .85em; color: #555 }
.curves { display: grid; grid-template-columns: 3fr 1fr; gap: 1em } .curves svg { width: 100%; height: auto }
.curves svg text { font: 12px system-ui, sans-serif; fill: #333 } .curves ul { list-style: none; padding: 0; margin: 0 }
.curves li { overflow-wrap: anywhere } figure img { width: 100% }
figure { display: inline-block; width: 31%; margin: 0 1% 1em 0; font-size: .85em; vertical-align: top }
"""


def page(night: NightReport, told: Sequence[Section], now: float, pictures: Sequence[Picture] | None = None) -> str:
    """The whole page; `pictures` of the data are None where nobody asked for them."""
    charts = {Chart.STRIPS: _heat_strips(night, now), Chart.CURVES: _curves(night.curves)}
    body = []
    for number, section in enumerate(told):
        head = "h1" if number == 0 else "h2"
        body.append(f"<{head}>{escape(section.title)}</{head}>")
        body += [f"<p>{escape(sentence)}</p>" for sentence in section.sentences]
        body += [charts[section.chart] if section.chart else "", _table(section)]
    if pictures is not None:
        body.append(_gallery(pictures))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(told[0].title)}</title>'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(part for part in body if part) + "\n</body></html>\n"
    )


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    kinds = [_kind(column, section) for column in section.columns]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, section.columns, strict=True))
    bars = [_bar(share) for share in section.bars] or [""] * len(section.rows)
    rows = "\n".join(
        "<tr>"
        + "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
        + f"{bar}</tr>"
        for row, bar in zip(section.rows, bars, strict=True)
    )
    return f"<table><tr>{head}{'<th></th>' if section.bars else ''}</tr>\n{rows}</table>"


def _kind(column: str, section: Section) -> str:
    if column in section.right:
        return ' class="figure"'
    return ' class="brief"' if column in BRIEF else ' class="name"' if column in {"job", "name"} else ""


def _bar(share: float) -> str:
    return f'<td class="bar"><div style="width: {share:.1%}"></div></td>'


def _heat_strips(night: NightReport, now: float) -> str:
    """A row a card: above how much it was given to jobs, below, where somebody looked, how much it computed."""
    if not night.strips:
        return ""
    usage, rows = night.usage, []
    for strip in night.strips:
        rows += [f"<span>{escape(strip.label)}</span>", _strip(strip)]
    moments = (usage.since + quarter / 4 * (usage.until - usage.since) for quarter in range(5))
    times = "".join(f"<span>{escape(format_clock(at, now))}</span>" for at in moments)
    keys = ((GIVEN, "given to jobs"), (COMPUTES, "computes (the card's own utilisation)"), (UNSEEN, "nobody looked"))
    legend = "".join(f"{_key(colour)}{escape(text)}" for colour, text in keys)
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


def _curves(curves: Sequence[Curve]) -> str:
    """The curves over one another, and beside them whose they are."""
    if not curves:
        return ""
    width, height, left = 700.0, 260.0, 50.0
    last = max(epoch for curve in curves for epoch, _ in curve.points)
    values = [value for curve in curves for _, value in curve.points]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    parts = [f'<path d="M{left},10V{height}H{width}" fill="none" stroke="#888"/>']
    parts += [_text(left - 6, 16, f"{high:.3g}"), _text(left - 6, height, f"{low:.3g}")]
    parts += [_text(width, height + 16, f"epoch {last}")]
    names = []
    for number, curve in enumerate(curves):
        places = (
            f"{left + (width - left) * epoch / last:.1f},{height - (height - 12) * (value - low) / span:.1f}"
            for epoch, value in curve.points
        )
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<polyline points="{" ".join(places)}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        names.append(f"<li>{_key(colour)}{curve.job_id} {escape(curve.name)}, {escape(curve.metric)}</li>")
    chart = _svg(width, height + 24, parts, "How the runs went")
    return f'<div class="curves">{chart}<ul>{"".join(names)}</ul></div>'


def _svg(width: float, height: float, parts: Sequence[str], title: str, more: str = "") -> str:
    view = f'viewBox="0 0 {width:.0f} {height:.0f}"{more}'
    return f'<svg {view} role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="end">{escape(text)}</text>'


def _gallery(pictures: Sequence[Picture]) -> str:
    parts = ["<h2>Pictures of the data</h2>"]
    if not pictures:
        parts.append("<p>No run of this time has any: Ultralytics draws them with plots = true.</p>")
    for (job_id, name), own in groupby(pictures, key=lambda picture: (picture.job_id, picture.name)):
        parts.append(f"<h3>{job_id} {escape(name)}</h3>")
        for picture in own:
            data = b64encode(picture.content).decode()
            shows = escape(picture.shows)
            image = f'<img alt="{shows}" src="data:image/jpeg;base64,{data}">'
            parts.append(f"<figure>{image}<figcaption>{shows}</figcaption></figure>")
    return "\n".join(parts)
