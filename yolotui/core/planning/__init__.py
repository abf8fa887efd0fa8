"""How the timetable comes about: who may run where, in which order, when, on which GPUs, and why not yet. Pure."""

from __future__ import annotations
