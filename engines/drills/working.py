"""What the steps of drills share: the VM that a step is of, and what is found out about it."""

from dataclasses import dataclass, field

from engines.actions import Action, Doing, NotYet, Result, StepError
from engines.clouds.acting import ActError
from engines.clouds.acting_networks import ActingNetworks, networks_of
from engines.plans import Step
from engines.restore.working import Pace, waited
from storage import drills

FAILED, SKIPPED = "failed", "skipped"
_FINAL = ("refused", "over_limit", "gone")


@dataclass(frozen=True, slots=True)
class DrillPace:
    """`faults_s`: how long a step of a VM is tried when the cloud answers with faults; then the VM has failed."""

    restore: Pace = field(default_factory=Pace)
    faults_s: float = 120.0


async def networks_at(doing: Doing) -> ActingNetworks:
    return networks_of(await doing.acting(doing.step.arguments["source"]))


def number_of(step: Step) -> int:
    """Which VM of the drill a step is of; 0: of none."""
    return int(step.arguments.get("number") or 0)


def came_to_nothing(doing: Doing) -> bool:
    """Whether an earlier step of the same VM has failed."""
    mine = [step.name for step in doing.plan.steps if number_of(step) == number_of(doing.step)]
    return any(FAILED in doing.earlier.get(name, {}) for name in mine)


@dataclass(frozen=True, slots=True)
class Finding:
    """A step of one VM. That it cannot be done is what the drill found out: it is written down, the rest of this VM is
    left out, and the drill goes on with the next. Only a fault in Stackhand itself ends the drill."""

    inner: Action
    pace: DrillPace

    @property
    def name(self) -> str:
        return self.inner.name

    async def look(self, doing: Doing) -> Result | None:
        if came_to_nothing(doing):
            return {SKIPPED: True}
        try:
            return await self.inner.look(doing)
        except (StepError, ActError) as error:
            return await self._found(doing, error)

    async def act(self, doing: Doing) -> Result:
        try:
            return await self.inner.act(doing)
        except (StepError, ActError) as error:
            return await self._found(doing, error)

    async def _found(self, doing: Doing, error: StepError | ActError) -> Result:
        """Raises NotYet for a fault that may pass."""
        if isinstance(error, ActError):
            final = error.reason in _FINAL and not error.maybe_done
            if not final and await waited(doing) < self.pace.faults_s:
                raise NotYet(max(self.pace.restore.poll_s, error.retry_after_s), f"{error.detail}; tried again")
            what = f"{doing.step.does}: {error.detail}"
        else:
            what = error.what
        async with doing.database.begin() as conn:
            await drills.end(conn, doing.job_id, number_of(doing.step), FAILED, what)
        return {FAILED: what}

    async def undo(self, doing: Doing, result: Result) -> None:
        """Whatever the result says: a step that was left out may have been begun before, and goes by its mark."""
        await self.inner.undo(doing, result)
