"""What is asked of a restore, and what an admin allows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engines.restore.addresses import Strategy

Mode = Literal["side_by_side", "replace", "attach"]


@dataclass(frozen=True, slots=True)
class Wish:
    """`strategy` None: new addresses side by side, the same ones in a replace. `snapshot` names a point by the id or
    name of a snapshot or image in it, `at` the one nearest to a moment.

    `volumes` are the ids of those to attach to the VM as it is (mode attach). `safety`: snapshots of the original's
    volumes are taken first in a replace.
    """

    mode: Mode = "side_by_side"
    strategy: Strategy | None = None
    new_name: str = ""
    snapshot: str = ""
    since: datetime | None = None
    until: datetime | None = None
    at: datetime | None = None
    volumes: tuple[str, ...] = ()
    safety: bool = False

    @property
    def addresses(self) -> Strategy:
        return self.strategy or ("same_ips_or_fail" if self.mode == "replace" else "new_ips")


@dataclass(frozen=True, slots=True)
class House:
    """`execute` are the sources on which restores may run, `*` for all; elsewhere there are only dry runs.

    A VM with one of `protected` tags is never replaced.
    """

    execute: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset({"protected", "no-replace"})

    def may_run_on(self, source: str) -> bool:
        return "*" in self.execute or source in self.execute or source.partition("/")[0] in self.execute


class CannotPlanError(Exception):
    """There is nothing that a plan could be made of: `what`, and what to do now as `fix`."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
