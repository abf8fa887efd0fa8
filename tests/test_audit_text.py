"""The audit log reads as words, whatever stands in its rows."""

from __future__ import annotations

from typing import Any

import pytest

from yolotui.audit_text import clock_text, detail_text
from yolotui.core.gpus import Gpu
from yolotui.store import AuditRow

UUIDS = [f"GPU-{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "ab"]
AT = 1_795_000_000.0


def told(verb: str, **detail: Any) -> str:
    row = AuditRow(id=1, at=AT, actor="anna", uid=1000, verb=verb, job=7, detail=detail, reason="")
    return detail_text(row, [Gpu(uuid=UUIDS[0], index=3, name="A100", memory_total_bytes=1)])


@pytest.mark.parametrize(
    ("verb", "detail", "said"),
    [
        ("submit", {"name": "n", "priority": "P2", "file": None}, "as P2"),
        ("submit", {"name": "n", "priority": "P1", "file": "/n.toml"}, "as P1, from /n.toml"),
        ("priority", {"before": "P2", "after": "P0"}, "from P2 to P0"),
        ("deadline", {"before": None, "after": AT}, f"from none to {clock_text(AT)}"),
        ("edit", {"before": {"epochs": 100, "vram_bytes": None}, "after": {"epochs": 50, "vram_bytes": 2**30}},
         "epochs from 100 to 50, vram from none to 1 GiB"),
        ("start", {"attempt": 1, "gpus": UUIDS, "how": []}, "attempt 1, on GPU 3, GPU-bbbbbbbb"),
        ("start", {"attempt": 2, "gpus": [], "how": ["From epoch 3."]}, "attempt 2: From epoch 3."),
        ("end", {"attempt": 1, "outcome": "succeeded", "cause": None, "why": "", "then": "succeeded"},
         "attempt 1 succeeded"),
        ("end", {"attempt": 2, "outcome": "failed", "cause": "bad_data", "why": "No labels.", "then": "waiting"},
         "attempt 2 failed, bad data, now waiting: No labels."),
        ("health", {"rule": "few-images", "severity": "info", "epoch": 0, "why": "Few."}, "info, few-images: Few."),
        ("health", {"rule": "stall", "severity": "warning", "epoch": 3, "why": "Mute."},
         "warning, stall, epoch 3: Mute."),
        ("hold", {"was": "waiting", "status": {"state": "waiting"}}, "it was waiting"),
        ("pause", {}, ""),
        ("collect", {"what": "checkpoints", "bytes": 3 * 2**30}, "checkpoints, 3 GiB"),
        ("drain", {"gpu": UUIDS[0], "was": None, "closes_at": AT}, f"GPU 3, closes {clock_text(AT)}"),
        ("unreserve", {"booking": 2, "before": {"owner": "anna", "owner_uid": 1, "gpus": UUIDS[:1], "starts_at": AT,
                                                "ends_at": AT, "status": {"since": 1.0}}},
         f"booking 2 of anna, GPU 3, {clock_text(AT)} to {clock_text(AT)}"),
        ("transfer", {"booking": 2, "before": {"owner": "anna", "owner_uid": 1},
                      "after": {"owner": "ben", "owner_uid": 2}},
         "booking 2, owner from anna to ben"),
        ("rebind", {"booking": 2, "before": UUIDS[1:], "after": UUIDS[:1]}, "booking 2, from GPU-bbbbbbbb to GPU 3"),
        ("a-verb-of-tomorrow", {"one": 1, "of_at": AT, "none": None}, f"one=1 of_at={clock_text(AT)}"),
        ("end", {}, ""),
    ],
)  # fmt: skip
def test_an_act_is_told_in_words(verb: str, detail: dict[str, Any], said: str) -> None:
    assert told(verb, **detail) == said
