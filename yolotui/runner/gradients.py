"""The norm of the gradients: Ultralytics computes it to clip it, and throws it away."""

from __future__ import annotations

import math
from typing import Any, Optional


class NormWatch:
    """Keeps the norm that PyTorch's own clipping returns. It is not copied from the GPU before somebody asks."""

    def __init__(self) -> None:
        self._newest: Any = None

    def install(self) -> None:
        """Listen in, in this process."""
        from torch.nn import utils

        clip = utils.clip_grad_norm_

        def clip_and_keep(*args: Any, **kwargs: Any) -> Any:
            self._newest = norm = clip(*args, **kwargs)
            return norm

        utils.clip_grad_norm_ = clip_and_keep

    def take(self) -> Optional[float]:
        """The newest norm since the last time; None where there was none, or where it is no number."""
        norm, self._newest = self._newest, None
        value = None if norm is None else float(norm)
        return value if value is None or math.isfinite(value) else None
