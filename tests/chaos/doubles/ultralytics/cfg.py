"""Where results go: replaced by the runner."""

from __future__ import annotations

from typing import Any


def get_save_dir(*_args: Any, **_kwargs: Any) -> Any:
    raise AssertionError("the runner says where results go")
