"""From planned moments to forecasts: an interval around each start and finish."""

from __future__ import annotations

from math import exp

from yolotui.core.timetable import Calibration, Estimate

LIKELY_TO_STOP_EARLY = 0.1
"""As likely as the lower end of an interval that four out of five fall into."""


class Forecaster:
    """Makes the intervals of one plan."""

    def __init__(self, calibration: Calibration, now: float) -> None:
        self._now = now
        self._low, self._high = exp(calibration.low), exp(calibration.high)

    def start_interval(self, start_at: float) -> tuple[float, float]:
        """Between which moments a job planned for `start_at` starts, four times out of five."""
        wait = start_at - self._now
        return self._now + wait * self._low, self._now + wait * self._high


def duration_interval(estimate: Estimate, duration_s: float) -> tuple[float, float]:
    """Between which durations the true one lies, four times out of five; an early stop counts where it is likely."""
    low = estimate.low
    if estimate.early_stop >= LIKELY_TO_STOP_EARLY:
        low = min(low, estimate.early_stop_at)
    return duration_s * low, duration_s * estimate.high
