"""The domain, pure: jobs, attempts, GPUs, the plan. No I/O, no clock, no threads."""

from __future__ import annotations
