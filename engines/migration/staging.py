"""Waves one after the other: a stage opens when all jobs of the lower ones are done."""

from collections import Counter
from collections.abc import Sequence

from engines.migration.runs import Run
from engines.migration.times import Job


class Stages:
    """Raises ValueError for a job that needs one of a later stage: neither would ever start."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._left = Counter(job.stage for job in jobs)
        self._coming = sorted(self._left, reverse=True)
        self._held: dict[int, list[Run]] = {}
        stage_of = {job.key: job.stage for job in jobs}
        for job in jobs:
            for need in job.after:
                if stage_of.get(need, job.stage) > job.stage:
                    raise ValueError(f"{job.name} needs {need[1]}, which is in a later wave")

    def holds(self, run: Run) -> bool:
        """Whether it must wait for its stage; it is then kept until `done` gives it back."""
        if not self._coming or run.job.stage <= self._coming[-1]:
            return False
        self._held.setdefault(run.job.stage, []).append(run)
        return True

    def done(self, job: Job) -> list[Run]:
        """Those that may start because of it, in their order."""
        self._left[job.stage] -= 1
        freed: list[Run] = []
        while self._coming and not self._left[self._coming[-1]]:
            self._coming.pop()
            if self._coming:
                freed += self._held.pop(self._coming[-1], [])
        return freed
