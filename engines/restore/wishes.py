"""What is asked of a restore, and what an admin allows."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal

from engines.restore.addresses import Strategy

Mode = Literal["side_by_side", "replace", "attach"]
Disks = Literal["", "data", "root"]
Macs = Literal["", "same", "new"]
Copies = Literal["", "backup", "snapshot"]


@dataclass(frozen=True, slots=True)
class Wish:
    """`strategy` None: new addresses side by side, the same ones in a replace. `snapshot` names a point by the id or
    name of a snapshot or image in it, `at` the one nearest to a moment.

    `volumes` are the ids or names of those to attach to the VM as it is (mode attach), `disks` which of them where none
    is named. `safety`: snapshots of the original's volumes are taken first in a replace. `macs` empty: the same where
    nothing else holds them. `stopped`: the new VM is switched off again once it was seen to run. `copies`: points with
    volume backups, or with snapshots, before others. `password`: the administrator inside of it gets a new one, which
    whoever asked is shown once.
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
    disks: Disks = ""
    macs: Macs = ""
    stopped: bool = False
    password: bool = False
    copies: Copies = ""

    @property
    def addresses(self) -> Strategy:
        return self.strategy or ("same_ips_or_fail" if self.mode == "replace" else "new_ips")


_TIMES = frozenset({"since", "until", "at"})


def to_json(wish: Wish) -> dict[str, Any]:
    """What is not as it is by default."""
    told = {one.name: getattr(wish, one.name) for one in fields(wish) if getattr(wish, one.name) != one.default}
    return {
        name: value.isoformat() if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
        for name, value in told.items()
    }


def from_json(data: Mapping[str, Any]) -> Wish:
    """The opposite of `to_json`; raises TypeError on what it never wrote."""
    values: dict[str, Any] = {
        name: datetime.fromisoformat(value) if name in _TIMES else value for name, value in data.items()
    }
    if "volumes" in values:
        values["volumes"] = tuple(values["volumes"])
    return Wish(**values)


@dataclass(frozen=True, slots=True)
class House:
    """`execute` are the sources on which restores may run, `*` for all; elsewhere there are only dry runs.

    A VM with one of `protected` tags is never replaced. The original that a replace keeps may be deleted after `keep`.
    `probe` are TCP ports that are tried on the new VM's addresses from where the worker runs; empty: none is.

    `reader` is the public key of the process that plans, for what only whoever asks may read; empty: it shows nothing.
    """

    execute: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset({"protected", "no-replace"})
    keep: timedelta = timedelta(days=7)
    probe: tuple[int, ...] = ()
    reader: str = ""

    def may_run_on(self, source: str) -> bool:
        return "*" in self.execute or source in self.execute or source.partition("/")[0] in self.execute


class CannotPlanError(Exception):
    """There is nothing that a plan could be made of: `what`, and what to do now as `fix`."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
