"""One image, judged as Ultralytics judges it, by its head and its end: what is between is not read."""

from __future__ import annotations

import os
import zlib
from typing import BinaryIO

from msgspec import Struct
from PIL import Image, UnidentifiedImageError

from yolotui.preflight.files import IMAGE_SUFFIXES

SMALLEST_SIDE = 10  # pixels: Ultralytics refuses what is smaller
END_BYTES = 4096
JPEG_END, PNG_END = b"\xff\xd9", b"IEND"


class ImageError(Exception):
    """Ultralytics would leave the image out; the text says why."""


class Unopened(ImageError):
    """The system lets nobody open or read it, now."""


class Glance(Struct, frozen=True):
    """An image: its shorter by its longer side, and a checksum of its end. A JPEG that `is_cut` lacks its end."""

    aspect: float
    end: int
    is_cut: bool


def look_into(path: str, size: int) -> Glance:
    """Look into an image of `size` bytes. Raises ImageError."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a hundred thousand of them
            return _glance(file, size)
    except ImageError:
        raise
    except UnidentifiedImageError as problem:
        raise ImageError("no picture") from problem
    except OSError as problem:
        raise (Unopened if problem.errno else ImageError)(problem.strerror or str(problem)) from problem
    except Exception as problem:  # any nonsense may be in such a file, and Pillow raises what it likes
        raise ImageError(str(problem)[:200] or type(problem).__name__) from problem


def _glance(file: BinaryIO, size: int) -> Glance:
    with Image.open(file) as image:
        width, height, kind = *image.size, (image.format or "").lower()
        if min(width, height) < SMALLEST_SIDE or kind not in IMAGE_SUFFIXES:
            raise ImageError(f"{kind}, {width}x{height} pixels")
        file.seek(-min(size, END_BYTES), os.SEEK_END)
        end = file.read()
        if kind == "png" and PNG_END not in end:
            image.verify()
    return Glance(min(width, height) / max(width, height), zlib.crc32(end), kind == "jpeg" and end[-2:] != JPEG_END)
