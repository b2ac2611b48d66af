"""Runs plans of restores step by step as the saga runner does: on record before the act, undone in reverse.

What is on record survives a kill; everything else is lost with it, as with a process that dies.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engines.actions import Action, Doing, NotYet, Result, StepError
from engines.clouds.acting import ActError
from engines.plans import Plan, Step
from engines.restore.actions import actions_of
from engines.restore.working import Pace
from storage.database import Database
from tests.engines.restore.small_cloud import SmallCloud

QUICK = Pace(poll_s=0.0, tries=12, most_s=1800.0, console_s=0.0)
FAULTS = 5
MOST_LOOKS = 200


class Killed(BaseException):
    """The process dies here."""


class Stop(Exception):  # noqa: N818 - a wish
    """Somebody asked the run to stop."""


@dataclass
class Record:
    """What the database keeps of a job."""

    stands: dict[int, str] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    error: str = ""
    fix: str = ""
    cancelled: bool = False
    left: list[tuple[str, str, str]] = field(default_factory=list)  # step, what, command


@dataclass
class Run:
    """`cancel_at`: the name of a step, and how many looks into it somebody asks to stop. `pause_s`: a real cloud needs
    time between two looks."""

    database: Database
    cloud: SmallCloud
    plan: Plan
    record: Record = field(default_factory=Record)
    job_id: int = 7
    cancel_at: tuple[str, int] | None = None
    pause_s: float = 0.0
    actions: Mapping[str, Action] = field(default_factory=lambda: {one.name: one for one in actions_of(QUICK)})

    def doing(self, number: int, step: Step) -> Doing:
        key = f"JOB-{self.job_id}-{number}"
        return Doing(self.job_id, self.plan, step, key, self.database, self.cloud.open, dict(self.record.results))

    async def to_the_end(self) -> str:
        """done, failed or cancelled."""
        undoing = any(one in ("undone", "undo_failed", "failed", "given_up") for one in self.record.stands.values())
        state = "failed" if undoing else await self._forward()
        if state != "done":
            await self._backward()
            return "cancelled" if self.record.cancelled else "failed"
        return state

    async def _forward(self) -> str:
        for number, step in enumerate(self.plan.steps, 1):
            if self.record.stands.get(number) == "done":
                continue
            try:
                result = await self._do(number, step)
            except StepError as error:
                given_up = isinstance(error.__cause__, ActError) and self.record.stands[number] == "given_up"
                self.record.stands[number] = "given_up" if given_up else "failed"
                self.record.error, self.record.fix = error.what, error.fix
                return "failed"
            except Stop:
                self.record.cancelled = True
                return "cancelled"
            self.record.results[step.name] = result
            self.record.stands[number] = "done"
        return "done"

    async def _do(self, number: int, step: Step) -> Result:
        action, faults = self.actions[step.action], 0
        for look in range(MOST_LOOKS):
            if self.cancel_at == (step.name, look):
                raise Stop
            self.record.stands[number] = "begun"
            try:
                found = await action.look(self.doing(number, step))
                return found if found is not None else await action.act(self.doing(number, step))
            except NotYet:
                faults = 0
                await self._pause()
            except ActError as error:
                faults += 1
                final = error.reason in ("refused", "over_limit", "gone") and not error.maybe_done
                if final:
                    raise StepError(f"{step.does}: {error.detail}", error.fix) from None
                if faults > FAULTS:
                    self.record.stands[number] = "given_up"
                    raise StepError(f"{step.does}: {error.detail}", error.fix) from error
                await self._pause()
        raise AssertionError(f"{step.name} never ends")

    async def _pause(self) -> None:
        if self.pause_s:
            await asyncio.sleep(self.pause_s)

    async def _backward(self) -> None:
        for number, step in reversed(list(enumerate(self.plan.steps, 1))):
            if self.record.stands.get(number) not in ("done", "begun", "given_up") or not step.undo:
                continue
            try:
                await self._take_back(number, step)
                self.record.stands[number] = "undone"
            except StepError as error:
                self.record.stands[number] = "undo_failed"
                self.record.left.append((step.name, error.what, error.fix))

    async def _take_back(self, number: int, step: Step) -> None:
        action, doing = self.actions[step.action], self.doing(number, step)
        result: Any = self.record.results.get(step.name)
        for attempt in range(MOST_LOOKS):
            try:
                if result is None:
                    result = await action.look(doing)
                if result is not None:
                    await action.undo(doing, result)
                return
            except NotYet:
                await self._pause()
            except ActError as error:
                if attempt >= FAULTS:
                    raise StepError(f"undoing {step.does}: {error.detail}", error.fix) from error
        raise AssertionError(f"undoing {step.name} never ends")
