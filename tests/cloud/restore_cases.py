"""Which restores there are: shape x mode x addresses x how the original is; and those that make no sense, with why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engines.restore.addresses import STRATEGIES, Strategy
from engines.restore.wishes import Mode, Wish
from tests.cloud.restore_bed import Shape

Original = Literal["running", "stopped", "error", "deleted"]
ORIGINALS: tuple[Original, ...] = ("running", "stopped", "error", "deleted")
SHAPES: tuple[Shape, ...] = ("volume+1", "volume+3", "image+2", "image snapshot")
_WORDS = {"new_ips": "new", "try_same_ips": "try", "same_ips_or_fail": "same", "side_by_side": "side"}


@dataclass(frozen=True)
class Case:
    shape: Shape
    mode: Mode
    strategy: Strategy | None
    original: Original

    @property
    def refusal(self) -> str:
        """What the plan says where this makes no sense; empty: it makes sense."""
        if self.mode == "attach":
            return {"error": "it is error", "deleted": "nothing can be attached"}.get(self.original, "")
        if self.original == "deleted":
            return "restore it side by side" if self.mode == "replace" else ""
        if self.mode == "side_by_side" and self.strategy == "same_ips_or_fail":
            return "is in use"
        return ""

    @property
    def same(self) -> bool:
        """Whether it ends with the addresses of the original."""
        return self.strategy != "new_ips" and (self.mode == "replace" or self.original == "deleted")

    @property
    def vm(self) -> str:
        """The name of its original. What leaves the original alone, or is refused, shares one."""
        own = not self.refusal and (self.mode == "replace" or self.original == "deleted")
        if own:
            parts = [self.shape, self.original, _WORDS.get(self.mode, self.mode), _WORDS[str(self.strategy)]]
        elif self.original == "deleted":
            parts = [self.shape, "deleted", "side", "new"]
        else:
            parts = [self.shape, self.original]
        return "-".join(parts).replace(" ", "-").replace("+", "-")

    @property
    def floating(self) -> bool:
        return self.shape in ("volume+3", "image+2")

    def wish(self, volumes: tuple[str, ...] = ()) -> Wish:
        new_name = f"{self.vm}-{_WORDS[str(self.strategy)]}" if self.mode == "side_by_side" else ""
        if self.original == "deleted" and self.strategy == "same_ips_or_fail":
            new_name = ""  # it gets its old name
        safety = self.mode == "replace" and self.strategy == "same_ips_or_fail"
        return Wish(self.mode, self.strategy, new_name, safety=safety, volumes=volumes)

    @property
    def new_name(self) -> str:
        return self.wish().new_name or self.vm


def cases() -> Iterator[Case]:
    for shape in SHAPES:
        for original in ORIGINALS:
            for mode in ("side_by_side", "replace"):
                for strategy in STRATEGIES:
                    yield Case(shape, mode, strategy, original)
            if shape == "volume+3":
                yield Case(shape, "attach", None, original)
