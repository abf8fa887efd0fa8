"""Widgets that draw lines."""

from __future__ import annotations
