"""torchrun: a process for each rank, each in a session of its own, as the real one starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType, SimpleNamespace

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

LOOK_EVERY_S = 0.02


def main(words: list[str]) -> None:
    """`--standalone --local_addr ADDRESS --nproc_per_node N SCRIPT ARGUMENTS…`"""
    count, command = int(words[4]), [sys.executable, *words[5:]]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _raise)
    ranks = [
        subprocess.Popen(
            command, env={**os.environ, "RANK": str(rank), "WORLD_SIZE": str(count)}, start_new_session=True
        )
        for rank in range(count)
    ]
    try:
        while ranks[0].poll() is None and all(rank.poll() in (None, 0) for rank in ranks):
            time.sleep(LOOK_EVERY_S)
        failed = {number: SimpleNamespace(exitcode=rank.returncode) for number, rank in enumerate(ranks) if rank.poll()}
    finally:
        for rank in ranks:
            rank.terminate()
        for rank in ranks:
            rank.wait()
    if failed:
        raise ChildFailedError(failed)


def _raise(number: int, _frame: FrameType | None) -> None:
    raise SignalException(number)
