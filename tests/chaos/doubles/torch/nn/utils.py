"""Ultralytics clips the gradients of each step, which the runner measures."""

from __future__ import annotations


def clip_grad_norm_(*_args: object, **_kwargs: object) -> float:
    return 1.0
