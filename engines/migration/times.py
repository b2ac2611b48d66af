"""How long one VM takes, warm and cold, out of the size that must really move."""

from dataclasses import dataclass

from engines.migration.assessment import Assessed
from engines.migration.records import Key
from engines.migration.transfer import Transfer, alone_limits

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Pace:
    """What a move takes beside the copy. Minutes are a start, to be replaced by a pilot's."""

    change_percent_a_day: float = 5.0  # of what is in use
    shutdown_minutes: float = 3.0
    convert_windows_minutes: float = 12.0
    convert_other_minutes: float = 8.0
    boot_minutes: float = 10.0  # start, checks, connecting
    prepare_minutes: float = 5.0  # snapshot, volumes, agent
    last_round_minutes: float = 5.0  # increments are made until one takes no longer
    most_rounds: int = 6
    increment_every_minutes: float = 60.0  # while a finished copy waits for its cutover

    def __post_init__(self) -> None:
        minutes = (self.shutdown_minutes, self.convert_windows_minutes, self.convert_other_minutes, self.boot_minutes,
                   self.prepare_minutes, self.change_percent_a_day)  # fmt: skip
        if (
            min(minutes) < 0
            or self.last_round_minutes <= 0
            or self.increment_every_minutes <= 0
            or self.most_rounds < 0
        ):
            raise ValueError("times and rates are not negative, and an increment has its time")


@dataclass(frozen=True, slots=True)
class Job:
    """A VM to be moved. `streams` are disks that are copied at one time; `after` must be done before it starts.

    `stage` counts the waves: it starts when all of the lower ones are done.
    """

    key: Key
    name: str
    size_mib: int
    way: str  # warm or cold
    streams: int = 1
    host: str = ""
    datastore: str = ""
    fixed_s: float = 1260.0  # shutdown, conversion, boot: what a cutover takes beside its last increment
    change_mib_s: float = 0.0
    after: tuple[Key, ...] = ()
    not_before_s: float = 0.0  # seconds after the start of the schedule
    stage: int = 0


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds, as if the VM were moved alone. `bottleneck` is what holds the copy back.

    `converges` False: it changes faster than it is copied, so that a warm move gains nothing.
    """

    rate_mib_s: float
    bottleneck: str
    first_copy_s: float
    increments_s: float
    rounds: int
    cutover_s: float
    cold_s: float
    converges: bool
    way: str

    @property
    def total_s(self) -> float:
        return self.cold_s if self.way == "cold" else self.first_copy_s + self.increments_s + self.cutover_s

    @property
    def downtime_s(self) -> float:
        return self.cold_s if self.way == "cold" else self.cutover_s


def job_of(one: Assessed, pace: Pace, after: tuple[Key, ...] = (), not_before_s: float = 0.0, stage: int = 0) -> Job:
    vm = one.vm
    convert = pace.convert_windows_minutes if one.guest.is_windows else pace.convert_other_minutes
    largest = max(vm.disks, key=lambda disk: (disk.capacity_mib or 0, disk.datastore or ""), default=None)
    server = vm.key[0]
    return Job(
        key=vm.key,
        name=vm.name,
        size_mib=one.sizes.move_mib,
        way=one.mode.way,
        streams=max(1, len(vm.disks) or vm.disk_count or 1),
        host=f"{server} {vm.host.casefold()}" if vm.host else "",
        datastore=f"{server} {largest.datastore}" if largest and largest.datastore else "",
        fixed_s=60 * (pace.shutdown_minutes + convert + pace.boot_minutes),
        change_mib_s=one.sizes.move_mib * pace.change_percent_a_day / 100 / DAY_S if vm.is_on else 0.0,
        after=after,
        not_before_s=not_before_s,
        stage=stage,
    )


def times_of(job: Job, transfer: Transfer, pace: Pace) -> Times:
    """Rounds of increments: each copies what changed during the one before, until one is short enough."""
    limit = alone_limits(transfer, job.streams)[0]
    rate = limit.mib_s
    prepare = 60 * pace.prepare_minutes
    first = prepare + job.size_mib / rate
    increments, rounds, delta = 0.0, 0, job.change_mib_s * first
    while delta / rate > 60 * pace.last_round_minutes and rounds < pace.most_rounds:
        increments += delta / rate
        rounds += 1
        delta = job.change_mib_s * delta / rate
    return Times(
        rate_mib_s=rate,
        bottleneck=limit.name,
        first_copy_s=first,
        increments_s=increments,
        rounds=rounds,
        cutover_s=delta / rate + job.fixed_s,
        cold_s=prepare + job.size_mib / rate + job.fixed_s,
        converges=job.change_mib_s < rate,
        way=job.way,
    )
