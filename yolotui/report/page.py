"""A report as one page that needs nothing else: HTML with its charts as SVG, and pictures only where given. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from itertools import groupby

from yolotui.report.charts import svg, words
from yolotui.report.pictures import Picture
from yolotui.report.sections import Section

BRIEF = frozenset({"at", "from", "cause", "foreseen", "between", "started", "state", "ended", "severity", "rule"})
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
.mark { width: .5em; margin-left: 1.5em; background: none; border-left: 2px dashed #888 }
.strips { display: grid; grid-template-columns: minmax(6em, 13em) 1fr; gap: .5em 1em; align-items: center }
.strips svg { width: 100%; height: 2.2em } .strips span { overflow-wrap: anywhere }
.times { grid-column: 2; display: flex; justify-content: space-between; font-size: .85em; color: #555 }
.curves { display: grid; grid-template-columns: 3fr 1fr; gap: 1em } .curves svg { width: 100%; height: auto }
.curves svg text { font: 12px system-ui, sans-serif; fill: #333 } .curves ul { list-style: none; padding: 0; margin: 0 }
.curves li { overflow-wrap: anywhere } figure img { width: 100% }
figure { display: inline-block; width: 31%; margin: 0 1% 1em 0; font-size: .85em; vertical-align: top }
"""


def page(told: Sequence[Section], pictures: Sequence[Picture] | None = None) -> str:
    """The whole page; `pictures` of the data are None where nobody asked for them."""
    body = []
    for number, section in enumerate(told):
        head = "h1" if number == 0 else "h2"
        body.append(f"<{head}>{words(section.title)}</{head}>")
        body += [f"<p>{words(sentence)}</p>" for sentence in section.sentences]
        body += [*map(svg, section.charts), _table(section)]
    if pictures is not None:
        body.append(_gallery(pictures))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{words(told[0].title)}</title>'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(part for part in body if part) + "\n</body></html>\n"
    )


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    kinds = [_kind(column, section) for column in section.columns]
    head = "".join(f"<th{kind}>{words(name)}</th>" for kind, name in zip(kinds, section.columns, strict=True))
    bars = [_bar(share) for share in section.bars] or [""] * len(section.rows)
    rows = "\n".join(
        "<tr>" + "".join(f"<td{kind}>{words(cell)}</td>" for kind, cell in zip(kinds, row, strict=True)) + f"{bar}</tr>"
        for row, bar in zip(section.rows, bars, strict=True)
    )
    return f"<table><tr>{head}{'<th></th>' if section.bars else ''}</tr>\n{rows}</table>"


def _kind(column: str, section: Section) -> str:
    if column in section.right:
        return ' class="figure"'
    return ' class="brief"' if column in BRIEF else ' class="name"' if column in {"job", "name"} else ""


def _bar(share: float) -> str:
    return f'<td class="bar"><div style="width: {share:.1%}"></div></td>'


def _gallery(pictures: Sequence[Picture]) -> str:
    parts = ["<h2>Pictures of the data</h2>"]
    if not pictures:
        parts.append("<p>No run of this time has any: Ultralytics draws them with plots = true.</p>")
    for (job_id, name), own in groupby(pictures, key=lambda picture: (picture.job_id, picture.name)):
        parts.append(f"<h3>{job_id} {words(name)}</h3>")
        for picture in own:
            data = b64encode(picture.content).decode()
            shows = words(picture.shows)
            image = f'<img alt="{shows}" src="data:image/jpeg;base64,{data}">'
            parts.append(f"<figure>{image}<figcaption>{shows}</figcaption></figure>")
    return "\n".join(parts)
