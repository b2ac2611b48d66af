"""A schedule: when each VM is copied and cut over, what held it all back, and what to know about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engines.migration.calendars import Calendar
from engines.migration.records import Key
from engines.migration.transfer import Transfer


@dataclass(frozen=True, slots=True)
class Caps:
    """VMs of one host or datastore at one time; above 10 a host wants more memory for NFC."""

    per_host: int | None = 10
    per_datastore: int | None = None

    def __post_init__(self) -> None:
        if any(one is not None and one < 1 for one in (self.per_host, self.per_datastore)):
            raise ValueError("a limit of VMs is at least 1")


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds after the start of the schedule. `down_s` is when the VM is shut down, `lane` the slot that copied it."""

    key: Key
    name: str
    way: str
    size_mib: int
    lane: int
    start_s: float
    copied_s: float
    down_s: float
    end_s: float
    rounds: int = 0
    warning: str = ""

    @property
    def downtime_s(self) -> float:
        return self.end_s - self.down_s


@dataclass(frozen=True, slots=True)
class Day:
    """`number` counts from 1, the day of the start in the calendar's zone."""

    number: int
    vms: int
    copied_mib: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """`held_back` are the hours in which each thing was what kept it from going faster, most first.

    `by_hour` is what is copied in each hour, in MiB; hours count from 0 at the midnight before the start, in its zone.
    """

    transfer: Transfer
    calendar: Calendar
    caps: Caps
    rows: tuple[Row, ...]
    days: tuple[Day, ...]
    held_back: Mapping[str, float]
    bottleneck: str
    peak_mib_s: float
    copied_mib: float
    by_hour: Mapping[int, float] = field(default_factory=dict)

    @property
    def end_s(self) -> float:
        return max((row.end_s for row in self.rows), default=0.0)

    @property
    def start_at(self) -> datetime:
        return self.calendar.at(min((row.start_s for row in self.rows), default=0.0))

    @property
    def end_at(self) -> datetime:
        return self.calendar.at(self.end_s)

    @property
    def warnings(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.warning)

    def meets(self, deadline: datetime) -> bool:
        return self.end_at <= deadline
