"""Plays a migration through: lanes that are used again, bandwidth shared by those who copy at one time, hosts and
datastores that take only so many, working hours, days off, and what must come before what.

Time is a real number of seconds after the start; between two events every rate stands still, so that nothing is
stepped through minute by minute. The same jobs, limits and calendar give the same schedule.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from engines.migration.calendars import Calendar
from engines.migration.dependencies import check_order
from engines.migration.opening import Opening
from engines.migration.queueing import Occupancy, Queue
from engines.migration.records import Key
from engines.migration.runs import Moment, Run, Watch
from engines.migration.schedules import Caps, Schedule
from engines.migration.sharing import Sharing
from engines.migration.staging import Stages
from engines.migration.tallies import Tally
from engines.migration.times import Job, Pace
from engines.migration.transfer import Transfer

_SOON = 1e-6  # seconds and MiB below which a thing is done
_SHORT = 30.0  # seconds of a last increment that nobody else's copy would notice
_PATIENCE = 2  # windows that a VM waits for one it fits into, before it starts all the same
_MOST_MISFITS = 200  # cold VMs that did not fit, after which a window is not offered to others


def simulate(
    jobs: Sequence[Job],
    transfer: Transfer,
    calendar: Calendar,
    pace: Pace | None = None,
    caps: Caps | None = None,
    watch: Watch | None = None,
) -> Schedule:
    """The jobs in their order of preference. Raises CircleFound for dependencies that go round, ValueError for one on
    a VM that is not among the jobs, and when the calendar leaves no time for the work."""
    return _Simulation(jobs, transfer, calendar, pace or Pace(), caps or Caps(), watch).run()


class _Simulation:
    def __init__(
        self,
        jobs: Sequence[Job],
        transfer: Transfer,
        calendar: Calendar,
        pace: Pace,
        caps: Caps,
        watch: Watch | None,
    ) -> None:
        self._transfer, self._calendar, self._pace, self._caps, self._watch = transfer, calendar, pace, caps, watch
        self._now = 0.0
        self._cutover = Opening(calendar, any_time=False)
        self._copying = Opening(calendar, any_time=calendar.copies_any_time)
        self._runs = {job.key: Run(job, order) for order, job in enumerate(jobs)}
        if len(self._runs) != len(jobs):
            raise ValueError("a VM is among the jobs twice")
        self._needs = _needs(jobs)
        self._stages = Stages(jobs)
        self._dependants: dict[Key, list[Key]] = defaultdict(list)
        for key, needed in self._needs.items():
            for one in needed:
                self._dependants[one].append(key)
        self._occupancy = Occupancy(caps.per_host, caps.per_datastore)
        self._queues = {"warm": Queue(self._occupancy), "cold": Queue(self._occupancy)}
        self._later: list[tuple[float, int, Run]] = []  # by the time before which they must not start
        self._tomorrow: list[Run] = []
        self._cutovers = Queue(self._occupancy)  # copied, waiting for a cutover
        self._unfit: list[Run] = []  # of those, the ones that did not fit into what was left of the window
        self._lanes = list(range(1, transfer.slots + 1))
        self._running: list[Run] = []
        self._misfits = 0
        self._tally = Tally(self._copying.offset)
        self._sharing = Sharing(transfer)

    def run(self) -> Schedule:
        for key in [key for key, needed in self._needs.items() if not needed]:
            self._release(self._runs[key])
        while len(self._tally.rows) < len(self._runs):
            self._admit()
            self._advance()
        return self._tally.schedule(self._transfer, self._calendar, self._caps)

    # what may start

    def _release(self, run: Run) -> None:
        """Everything that it needs is done; it may still have to wait for its wave and its date."""
        if self._stages.holds(run):
            return
        if run.job.not_before_s > self._now + _SOON:
            heapq.heappush(self._later, (run.job.not_before_s, run.order, run))
        else:
            self._queues[run.job.way].add(run)

    def _admit(self) -> None:
        while self._later and self._later[0][0] <= self._now + _SOON:
            run = heapq.heappop(self._later)[2]
            self._queues[run.job.way].add(run)
        self._admit_cutovers()
        while self._lanes and self._copying.is_open and (starting := self._next()) is not None:
            self._start(starting)

    def _admit_cutovers(self) -> None:
        """Those that were copied come before those that were not: their increments cost as long as they wait."""
        while self._lanes and self._cutover.is_open and (run := self._cutovers.take()) is not None:
            assert isinstance(run, Run)
            if self._fits(run, self._cutover_need(run)):
                self._seat(run)
                self._begin_last(run)
            else:
                self._unfit.append(run)

    def _next(self) -> Run | None:
        """The first in order of both queues that may start now."""
        while True:
            warm, cold = self._queues["warm"].first(), self._queues["cold"].first()
            if not self._cutover.is_open or self._misfits > _MOST_MISFITS:
                cold = None
            if warm is None and cold is None:
                return None
            way = "warm" if cold is None or (warm is not None and warm < cold) else "cold"
            run = self._queues[way].take()
            assert isinstance(run, Run)
            if way == "warm" or self._fits(run, self._cold_need(run)):
                return run
            self._misfits += 1
            self._tomorrow.append(run)

    def _fits(self, run: Run, need: float) -> bool:
        """Into what is left of the window. What fits no window starts at once, and says so."""
        if need <= self._cutover.left(self._now):
            return True
        if need > self._cutover.longest:
            run.warning = "longer than a whole day of working hours: it is down until the next"
            return True
        if run.waits >= _PATIENCE:
            run.warning = "goes on beyond the working hours of one day"
            return True
        return False

    def _cold_need(self, run: Run) -> float:
        copy = 0.0 if self._calendar.copies_any_time else run.job.size_mib / self._sharing.alone(run)
        return 60 * self._pace.prepare_minutes + copy + run.job.fixed_s

    def _cutover_need(self, run: Run) -> float:
        return self._last_delta(run) / self._sharing.alone(run) + run.job.fixed_s

    def _last_delta(self, run: Run) -> float:
        """What changed since the last increment; a copy that waits is kept up to date."""
        since = min(self._now - run.synced_s, 60 * self._pace.increment_every_minutes)
        return min(run.job.change_mib_s * max(0.0, since), float(run.job.size_mib))

    def _seat(self, run: Run) -> None:
        run.lane = heapq.heappop(self._lanes)
        self._occupancy.change(run.group, 1)
        self._running.append(run)

    def _unseat(self, run: Run) -> None:
        heapq.heappush(self._lanes, run.lane)
        self._occupancy.change(run.group, -1)
        for queue in (*self._queues.values(), self._cutovers):
            queue.freed(run.group)
        self._running.remove(run)

    def _start(self, run: Run) -> None:
        self._seat(run)
        run.start_s = self._now
        run.begin("prepare", 60 * self._pace.prepare_minutes, copies=False)

    # time goes on

    def _advance(self) -> None:
        """To the next event: a step that ends, hours that begin or end, a date that comes."""
        flows = [run for run in self._running if run.copies and self._opening(run).is_open]
        rates = self._sharing.rates(flows)
        ends = [run.left / rate for run, (rate, _) in zip(flows, rates, strict=True) if rate > 0]
        ends += [run.left for run in self._running if not run.copies and self._opening(run).is_open]
        changes = [self._copying.next_change(), self._cutover.next_change()]
        if self._later:
            changes.append(self._later[0][0])
        step = max(0.0, min([*ends, *(change - self._now for change in changes)]))
        self._note(step, flows, rates)
        for run, (rate, _) in zip(flows, rates, strict=True):
            run.left -= rate * step
        for run in self._running:
            if not run.copies and self._opening(run).is_open:
                run.left -= step
        self._now += step
        self._end_steps()
        self._turn_windows()

    def _opening(self, run: Run) -> Opening:
        return self._cutover if run.step in ("last", "fixed") else self._copying

    def _note(self, step: float, flows: Sequence[Run], rates: Sequence[tuple[float, str]]) -> None:
        if step <= 0:
            return
        total = sum(rate for rate, _ in rates)
        self._tally.note(self._now, self._now + step, total, self._held_by(rates))
        if self._watch is not None:
            named = {run.job.key: rate for run, (rate, _) in zip(flows, rates, strict=True)}
            keys = tuple(run.job.key for run in self._running)
            self._watch(Moment(self._now, self._now + step, keys, named, self._copying.is_open, self._cutover.is_open))

    def _held_by(self, rates: Sequence[tuple[float, str]]) -> str:
        """What one would have to change so that it went faster just now."""
        if not self._copying.is_open:
            return "working hours"
        ready = any(queue.first() is not None for queue in self._queues.values())
        names = [name for _, name in rates]
        if self._sharing.site in names:
            return self._sharing.site
        if ready and not self._lanes:
            return "agent slots"
        blocked = next((name for queue in self._queues.values() if (name := queue.blocked_by)), "")
        if blocked:
            return blocked
        if names:
            return max(sorted(set(names)), key=names.count)
        if self._running:
            return "conversion and checks"
        return "cutover hours" if len(self._cutovers) or self._unfit or self._tomorrow else "start dates"

    def _turn_windows(self) -> None:
        self._copying.turn(self._now)
        if self._cutover.turn(self._now):  # a new window: who did not fit into the last one is looked at again
            self._misfits = 0
            for run in self._tomorrow:
                run.waits += 1
                self._queues[run.job.way].add(run)
            for run in self._unfit:
                run.waits += 1
                self._cutovers.add(run)
            self._unfit = []
            self._tomorrow = []

    # steps that end

    def _end_steps(self) -> None:
        for run in [run for run in self._running if run.left <= _SOON]:
            _ENDS[run.step](self, run)

    def _copy(self, run: Run) -> None:
        run.begin("copy", float(run.job.size_mib), copies=True)
        run.synced_s = run.down_s = self._now

    def _copied(self, run: Run) -> None:
        run.copied_s = self._now
        if run.job.way == "cold":
            run.begin("fixed", run.job.fixed_s, copies=False)
            return
        self._round_or_wait(run)

    def _round_or_wait(self, run: Run) -> None:
        """Another increment while it takes long; then the cutover, at once or when its hours come."""
        since = self._now - run.synced_s
        delta = min(run.job.change_mib_s * since, float(run.job.size_mib))
        if (
            run.rounds < self._pace.most_rounds
            and delta / self._sharing.alone(run) > 60 * self._pace.last_round_minutes
        ):
            run.rounds += 1
            run.synced_s = self._now
            run.begin("round", delta, copies=True)
            return
        if run.rounds and delta / self._sharing.alone(run) > 60 * self._pace.last_round_minutes:
            run.warning = "it changes nearly as fast as it is copied: move it cold, or in a quiet hour"
        if self._cutover.is_open and self._fits(run, self._cutover_need(run)):
            self._begin_last(run)
            return
        run.step = "wait"
        self._unseat(run)
        if self._cutover.is_open:
            self._unfit.append(run)
        else:
            self._cutovers.add(run)

    def _begin_last(self, run: Run) -> None:
        run.down_s = self._now
        delta = self._last_delta(run)
        seconds = delta / self._sharing.alone(run)
        if seconds < _SHORT:
            run.begin("fixed", run.job.fixed_s + seconds, copies=False)
        else:
            run.begin("last", delta, copies=True)

    def _fixed(self, run: Run) -> None:
        run.begin("fixed", run.job.fixed_s, copies=False)

    def _done(self, run: Run) -> None:
        self._unseat(run)
        self._tally.end(run.row(self._now))
        key = run.job.key
        for one in self._dependants.pop(key, ()):
            self._needs[one].discard(key)
            if not self._needs[one]:
                self._release(self._runs[one])
        for run_of_next in self._stages.done(run.job):
            self._release(run_of_next)


_ENDS: Mapping[str, Callable[[_Simulation, Run], None]] = {
    "prepare": _Simulation._copy,
    "copy": _Simulation._copied,
    "round": _Simulation._round_or_wait,
    "last": _Simulation._fixed,
    "fixed": _Simulation._done,
}


def _needs(jobs: Sequence[Job]) -> dict[Key, set[Key]]:
    after = {job.key: job.after for job in jobs}
    check_order(after)
    for job in jobs:
        for needed in job.after:
            if needed not in after:
                raise ValueError(f"{job.name} must come after {needed[1]}, which is not among the VMs to be moved")
    return {key: set(needed) for key, needed in after.items()}
