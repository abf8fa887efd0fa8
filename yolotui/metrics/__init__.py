"""What Prometheus sees of a queue: read from what the leader published and from run directories, never probed."""

from __future__ import annotations
