"""A demonstration: a simulated host with a week of history and runs that move, led by the real scheduler.

Nothing but the hardware and the trainings is made up. The leader, the plan, the store and every file format are those
of a real home; `trainings` stands behind the scheduler's narrow door in the place of processes, and `cards` in the
place of the driver. The same leader makes the past, on a clock that is put forward from event to event, and leads on.
"""

from __future__ import annotations
