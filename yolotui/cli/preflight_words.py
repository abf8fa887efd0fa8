"""What was found before a start, in words and as a document: for `check`, `show` and `why`."""

from __future__ import annotations

import click
import msgspec

from yolotui.cli.printing import Table, print_table
from yolotui.core.preflight import DataReport, Preflight
from yolotui.harmless import clean


def preflight_document(preflight: Preflight | None) -> dict[str, object] | None:
    """The verdict, each remark and what the data set holds; null where nothing was checked."""
    if preflight is None:
        return None
    content: dict[str, object] = msgspec.to_builtins(preflight)
    remarks = [
        {"rule": each.rule, "severity": each.severity.value, "text": each.text, "advice": each.advice}
        | {"examples": list(each.examples)}
        for each in preflight.remarks
    ]
    data = content["data"]
    if isinstance(data, dict):
        del data["remarks"]
    return {"verdict": preflight.verdict, **content, "remarks": remarks}


def echo_remarks(preflight: Preflight, *, indent: str = "", examples: bool = False) -> None:
    """A line a remark, the worst first, with what to do; with `examples` the files that show it."""
    for remark in preflight.remarks:
        click.echo(clean(f"{indent}{remark.severity.value}: {remark.text} {remark.advice}").rstrip())
        for example in remark.examples if examples else ():
            click.echo(f"{indent}    {clean(example)}")


def echo_data(report: DataReport) -> None:
    """What the splits hold, and how often each class is shown."""
    table = Table(
        ("split", "images", "boxes", "unlabelled", "empty", "left out"),
        right=frozenset({"images", "boxes", "unlabelled", "empty", "left out"}),
    )
    for name, split in report.splits.items():
        counts = (split.images, split.boxes, split.unlabelled, split.empty, split.dropped)
        table.add(name, *(str(count) for count in counts))
    print_table(table)
    shown = sorted(report.boxes_per_class.items(), key=lambda each: -each[1])
    rest = f", and {len(shown) - 20} more classes" if len(shown) > 20 else ""
    click.echo(clean("classes: " + ", ".join(f"{name} {count}" for name, count in shown[:20]) + rest))
