"""The loop: lead, observe, reap, plan, act, publish, wait. One leader at a time."""

from __future__ import annotations
