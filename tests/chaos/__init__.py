"""The crash laboratory: a real queue, broken in every way that we know, and a judge that reads what is left."""

from __future__ import annotations
