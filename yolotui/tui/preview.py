"""What a file looks like: a picture as half blocks, two pixels a cell; a text by its last lines.

Half blocks need neither a terminal with graphics nor a question to it: asking one (for sixel or Kitty's protocol, as
textual-image does when it is imported) would eat keys while Textual reads them. Whoever needs every pixel copies the
path.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from yolotui.telemetry import LogTail
from yolotui.tui.plot import Row

UPPER_HALF = "▀"
LARGEST_BYTES = 64 * 2**20
TEXT_LINES = 200
TEXTS = frozenset({".log", ".txt", ".csv", ".yaml", ".yml", ".json", ".jsonl", ".toml"})


@dataclass(frozen=True)
class Preview:
    """A file's picture as rows, or its lines as text, or a sentence that says why there is neither."""

    path: Path
    rows: tuple[Row, ...] = ()
    lines: tuple[str, ...] = ()
    trouble: str = ""


def preview(path: Path, width: int, height: int, *, pictures: bool) -> Preview:
    """Look into a file, for a room of so many cells. Takes its time: not for the thread that draws."""
    if path.suffix.lower() in TEXTS:
        tail = LogTail(path, lines=TEXT_LINES)
        tail.poll()
        return Preview(path, lines=tail.lines, trouble="" if tail.lines else "It is empty, or can't be read.")
    if path.suffix.lower() not in {".png", ".jpg", ".jpeg"}:
        return Preview(path, trouble="There is no view of such a file: y copies its path.")
    if not pictures:
        return Preview(path, trouble="This terminal shows no pictures (no colour, or ASCII): y copies the path.")
    try:
        return Preview(path, rows=tuple(_half_blocks(path, width, height)))
    except ImportError:
        return Preview(path, trouble="Pictures need Pillow, which is not installed: y copies the path.")
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow says of files that are torn, huge or no pictures
        return Preview(path, trouble=f"It can't be shown: {error}. y copies the path.")


def _half_blocks(path: Path, width: int, height: int) -> list[Row]:
    from PIL import Image

    if path.stat().st_size > LARGEST_BYTES:
        raise ValueError("it is larger than 64 MiB")
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", (width * 4, height * 8))
            picture = opened.convert("RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(str(error)) from error
    picture.thumbnail((width, height * 2))
    across, pixels = picture.width, list(picture.tobytes())
    return [[_cell(pixels, across, x, y) for x in range(across)] for y in range(0, picture.height - 1, 2)]


def _cell(pixels: list[int], across: int, x: int, y: int) -> Segment:
    upper, lower = ((y * across + x) * 3, ((y + 1) * across + x) * 3)
    colours = [Color.from_rgb(*pixels[at : at + 3]) for at in (upper, lower)]
    return Segment(UPPER_HALF, Style(color=colours[0], bgcolor=colours[1]))
