"""A job that is any command: `errand.py SECONDS EXIT_CODE [orphan]`; an orphan outlives it for a moment."""

from __future__ import annotations

import os
import sys
import time

seconds, code = float(sys.argv[1]), int(sys.argv[2])
if "orphan" in sys.argv and os.fork() == 0:
    os.setsid()
    time.sleep(seconds + 0.3)
    os._exit(0)
time.sleep(seconds)
sys.exit(code)
