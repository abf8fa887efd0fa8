"""What Ultralytics' train() takes where nothing is said: forecasts, memory and checks are reckoned with it. Pure."""

from __future__ import annotations

EPOCHS, PATIENCE, BATCH, IMGSZ = 100, 100, 16, 640
