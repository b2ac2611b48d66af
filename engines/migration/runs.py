"""A VM on its way through the simulation, and what can be watched of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engines.migration.queueing import Group
from engines.migration.records import Key
from engines.migration.schedules import Row
from engines.migration.times import Job


@dataclass(slots=True, eq=False)
class Run:
    """A job on its way. `left` is MiB where `copies`, else seconds of work that nothing can speed up."""

    job: Job
    order: int
    step: str = "waiting"  # prepare, copy, round, wait, last, fixed
    left: float = 0.0
    copies: bool = False
    lane: int = 0
    start_s: float = 0.0
    synced_s: float = 0.0
    copied_s: float = 0.0
    down_s: float = 0.0
    rounds: int = 0
    waits: int = 0
    warning: str = ""

    @property
    def group(self) -> Group:
        return (self.job.host, self.job.datastore)

    def begin(self, step: str, left: float, copies: bool) -> None:
        self.step, self.left, self.copies = step, left, copies

    def row(self, end_s: float) -> Row:
        job = self.job
        return Row(
            key=job.key,
            name=job.name,
            way=job.way,
            size_mib=job.size_mib,
            lane=self.lane,
            start_s=self.start_s,
            copied_s=self.copied_s,
            down_s=self.down_s,
            end_s=end_s,
            rounds=self.rounds,
            warning=self.warning,
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """What goes on between two events: the running VMs, and the rate of each that copies."""

    begin_s: float
    end_s: float
    running: tuple[Key, ...]
    rates: Mapping[Key, float]
    copying_open: bool
    cutover_open: bool


Watch = Callable[[Moment], None]
