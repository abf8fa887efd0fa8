"""Replacing a function of Ultralytics wherever it has been imported to by name."""

from __future__ import annotations

import sys
from typing import Any, Callable


def replace_everywhere(original: Callable[..., Any], replacement: Callable[..., Any]) -> None:
    """Put `replacement` in the place of a function in every loaded module; modules loaded later import it too."""
    name = original.__name__
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("ultralytics") and getattr(module, name, None) is original:
            setattr(module, name, replacement)
