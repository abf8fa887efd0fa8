"""Telling people what happened: what is told to whom, and how it gets there without being lost or told twice."""

from __future__ import annotations
