"""Which of the cards may be used, and from how much memory on a foreign process blocks one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from yolotui.core.gpus import Excluded, Gpu

MIB = 1024**2


@dataclass(frozen=True)
class Limits:
    """What the configuration and the caller's environment allow.

    `use` and `exclude` are the indices that people know from `nvidia-smi`; `visible` is an inherited
    CUDA_VISIBLE_DEVICES (None where it is not set, "" hides every card), which simulated cards don't mind. A process
    that is not ours and holds less than `ignore_below_bytes` doesn't block its card: a desktop may live there.
    """

    use: tuple[int, ...] | None = None
    exclude: tuple[int, ...] = ()
    ignore_below_bytes: int = 300 * MIB
    visible: str | None = None

    def apply(self, gpus: Sequence[Gpu]) -> tuple[Gpu, ...]:
        """The same cards, with `Excluded` and its reason on those that are not to be used."""
        visible = None if self.visible is None else visible_uuids(self.visible, gpus)
        return tuple(self._judge(gpu, visible) for gpu in gpus)

    def _judge(self, gpu: Gpu, visible: frozenset[str] | None) -> Gpu:
        reason = self._why_not(gpu, visible)
        return replace(gpu, availability=Excluded(reason)) if reason else gpu

    def _why_not(self, gpu: Gpu, visible: frozenset[str] | None) -> str:
        if gpu.index in self.exclude:
            return f"[gpus] exclude names GPU {gpu.index}"
        if self.use is not None and gpu.index not in self.use:
            return f"[gpus] use does not name GPU {gpu.index}"
        if visible is not None and gpu.kind == "cuda" and gpu.uuid not in visible:
            return f"CUDA_VISIBLE_DEVICES={self.visible!r} hides it"
        return ""


def visible_uuids(visible: str, gpus: Sequence[Gpu]) -> frozenset[str]:
    """What CUDA_VISIBLE_DEVICES names, read as CUDA reads it: the list ends at the first name that is no card.

    Names are indices in PCI order, UUIDs, or prefixes of UUIDs that fit one card only.
    """
    seen: set[str] = set()
    for name in (part.strip() for part in visible.split(",")):
        named = [gpu.uuid for gpu in gpus if _is_named(gpu, name)]
        if len(named) != 1:
            break
        seen.update(named)
    return frozenset(seen)


def _is_named(gpu: Gpu, name: str) -> bool:
    if name.isdecimal():
        return gpu.index == int(name)
    return bool(name) and gpu.uuid.casefold().startswith(name.casefold())
