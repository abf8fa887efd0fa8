"""What each part of the screen says, as rows of text for a width and a height. Pure."""

from __future__ import annotations
