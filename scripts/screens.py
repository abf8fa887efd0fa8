"""Pictures of the dashboard as it really draws: PNGs of its screens at three sizes, on the week of `yolotui demo`.

python scripts/screens.py [FOLDER] [--only NAME]     # default: docs/screens
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("TZ", "UTC")
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ.pop("NO_COLOR", None)
os.environ["YOLOTUI_USER"] = "maria"
time.tzset()
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image, ImageDraw, ImageFont  # noqa: E402 — after the environment that Textual reads when imported
from rich.cells import cell_len  # noqa: E402
from textual.strip import Strip  # noqa: E402

from tests.tui.believable import BelievableHome, many_jobs  # noqa: E402
from tests.tui.demo_home import demo_home  # noqa: E402
from tests.tui.showing import Shown, dashboard, settled  # noqa: E402
from yolotui.tui.plot import DOTS  # noqa: E402

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
SIZES = ((80, 24), (120, 40), (200, 60))
FOREGROUND, BACKGROUND = (215, 223, 233), (15, 20, 27)
KEYS = {
    "dashboard": (),
    "run": ("enter",),
    "run-health": ("exclamation_mark",),
    "run-log": ("enter", *["tab"] * 2),
    "run-attempts": ("enter", *["tab"] * 4),
    "compare": (*["space"] * 3, "V"),
    "events": ("E",),
    "report": ("w",),
    "timetable": ("t",),
    "booking": ("t", "b"),
    "form": ("C",),
    "file": ("F",),
    "kill": ("space", "space", "x"),
    "log": ("l",),
    "failed": ("slash", *"failed", "enter"),
    "help": ("question_mark",),
    "ascii": (),
    "empty": (),
    "many": (),
}
"""The keys that lead to each screen, pressed on the demonstration's queue."""
WEEK, SHOWN_AS = Path("/tmp/maria"), "/srv/maria"  # noqa: S108 — always the same, and as long as what is shown for it
LOOKS_S = 1.0  # what threads find out while one looks: forecasts, candidates


def picture(strips: Sequence[Strip], width: int, path: Path, size: int = 15) -> None:
    """Draw cells exactly where a terminal would."""
    regular = ImageFont.truetype(FONT, size)
    bold = ImageFont.truetype(FONT.replace("Mono.ttf", "Mono-Bold.ttf"), size)
    cell_width, cell_height = round(regular.getlength("M")), sum(regular.getmetrics())
    image = Image.new("RGB", (width * cell_width, len(strips) * cell_height), BACKGROUND)
    draw = ImageDraw.Draw(image)
    for y, strip in enumerate(strips):
        x = 0
        for written, style, _ in strip:
            text = written.replace(str(WEEK), SHOWN_AS)
            ink: tuple[int, int, int] = FOREGROUND
            paper: tuple[int, int, int] = BACKGROUND
            if style and style.color and style.color.triplet:
                ink = style.color.triplet
            if style and style.bgcolor and style.bgcolor.triplet:
                paper = style.bgcolor.triplet
            if style and style.reverse:
                ink, paper = paper, ink
            cells = cell_len(text)
            if not cells:
                continue
            top, left = y * cell_height, x * cell_width
            draw.rectangle((left, top, left + cells * cell_width - 1, top + cell_height - 1), fill=paper)
            for sign in text:
                if 0x2800 <= ord(sign) <= 0x28FF:
                    _braille(draw, ord(sign) - 0x2800, (x * cell_width, top, cell_width, cell_height), ink)
                    x += 1
                    continue
                draw.text((x * cell_width, top), sign, font=bold if style and style.bold else regular, fill=ink)
                x += cell_len(sign)
    image.quantize(160).save(path, optimize=True)


def _braille(draw: ImageDraw.ImageDraw, bits: int, cell: tuple[int, int, int, int], ink: tuple[int, ...]) -> None:
    """The dots of a braille cell: the font has none."""
    left, top, width, height = cell
    for column, rows in enumerate(DOTS):
        for row, bit in enumerate(rows):
            if bits & bit:
                x, y = left + width * (2 * column + 1) / 4, top + height * (2 * row + 1) / 8
                draw.ellipse((x - 1.4, y - 1.4, x + 1.4, y + 1.4), fill=ink)


async def render(name: str, home: Shown, size: tuple[int, int], folder: Path) -> None:
    """One screen at one size."""
    app = dashboard(home, ascii_only=name == "ascii")
    async with app.run_test(notifications=True, size=size) as pilot:
        await settled(pilot)
        for key in KEYS[name]:
            await pilot.press(key)
            await pilot.pause()
        await pilot.pause(LOOKS_S)
        strips = app.screen._compositor.render_strips()  # noqa: SLF001 — the only exact source
        picture(strips, size[0], folder / f"{name}-{size[0]}x{size[1]}.png")


@contextmanager
def fixed_folder() -> Iterator[None]:
    """The week's folder, so that a picture is the same however often it is made."""
    WEEK.mkdir(mode=0o700)
    try:
        yield
    finally:
        shutil.rmtree(WEEK)


def main() -> None:
    """Render what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "screens")
    parser.add_argument("--only", choices=KEYS)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, fixed_folder(), demo_home(WEEK) as week:
        homes: dict[str, Shown] = {"empty": BelievableHome(Path(scratch) / "empty")}
        if asked.only in {None, "many"}:
            homes["many"] = many_jobs(Path(scratch) / "many", 10_000)
        for name in [asked.only] if asked.only else KEYS:
            for size in SIZES:
                asyncio.run(render(name, homes.get(name, week), size, asked.folder))


if __name__ == "__main__":
    main()
