"""Runs a plan that was approved: step by step, each on record before it acts, undone in reverse where it fails.

What is on record decides what comes next, so that a run which was killed anywhere goes on from there. The clients
that change a cloud are opened here, and only for a job whose request allows exactly its plan.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.actions import Action, Doing, Result, StepError, Telling, UnsureError
from engines.changes.steps import Cancelled, Engine, GivenUp, Patience, do, take_back
from engines.changes.tellings import Progress, counts_of
from engines.clouds.acting import Acting, ActingClouds
from engines.plans import Plan, Step, from_json
from storage import audit, claims, jobs
from storage.claims import Claimed, Limits, LostJobError
from storage.database import Database

log = structlog.get_logger(__name__)

Ended = Callable[[AsyncConnection, int, str], Awaitable[None]]
"""Told of a job's end, in the transaction of the end: connection, job id, state."""


Gate = Callable[[Plan], tuple[str, str] | None]
"""Why a plan may not begin any more although it was approved, and what to do; looked at before its first step."""


def everything(plan: Plan) -> tuple[str, str] | None:
    """For where nothing is switched off."""
    return None


async def nobody(conn: AsyncConnection, job_id: int, state: str) -> None:
    """For when nobody is to be told of an end."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What runs need. `together` steps at most run side by side; a job's progress is told every `tell_every_s`."""

    database: Database
    actions: Mapping[str, Action]
    clouds: ActingClouds
    ended: Ended = nobody
    limits: Limits = field(default_factory=Limits)
    patience: Patience = field(default_factory=Patience)
    together: int = 8
    tell_every_s: float = 1.0
    gate: Gate = everything


@dataclass(frozen=True, slots=True)
class Outcome:
    state: str
    error: str = ""
    fix: str = ""
    left: tuple[Mapping[str, Any], ...] = ()


async def run_job(workshop: Workshop, job_id: int, workflow: str, engine: Engine) -> None:
    """Begin the job or go on with it, to its end. Nothing happens where it has ended, waits, or is another's.

    Raises Stopping, and StorageUnavailable: then it is to be called again.
    """
    async with workshop.database.begin() as conn:
        held = await claims.claim(conn, job_id, workflow, workshop.limits)
        if held is not None and held.verdict in ("cancelled", "expired"):
            await _end(workshop, conn, held, Outcome(held.verdict, *_NOT_BEGUN[held.verdict]), {})
    if held is None or held.verdict in ("cancelled", "expired"):
        return
    try:
        await _run(workshop, held, engine)
    except LostJobError:
        log.warning("job.lost", job=job_id)


_NOT_BEGUN: Mapping[str, tuple[str, str]] = {
    "cancelled": ("It was stopped before it began; nothing was changed.", ""),
    "expired": ("It did not begin in time; nothing was changed.", "ask for it again"),
}


async def _run(workshop: Workshop, held: Claimed, engine: Engine) -> None:
    refused, plan = _allowed(held)
    fix = "ask for the change again"
    if plan is not None and not refused:
        refused, fix = await _shut(workshop, held, plan)
    if plan is None or refused:
        async with workshop.database.begin() as conn:
            await _end(workshop, conn, held, Outcome("failed", refused, fix), {})
        return
    run = _Run(workshop, held, plan, engine)
    outcome = await run.outcome()
    async with workshop.database.begin() as conn:
        await _end(workshop, conn, held, outcome, run.results)


def _allowed(held: Claimed) -> tuple[str, Plan | None]:
    """Why this plan may not be run; the plan when it may."""
    try:
        plan = from_json(held.plan)
    except (KeyError, TypeError, ValueError):
        return "Its plan cannot be read.", None
    if held.asked is None:
        return "It has no request, and nothing is changed without one.", None
    state, digest = held.asked
    if state not in ("approved", "running"):
        return f"Its request is {state}, not approved.", None
    if digest != plan.digest:
        return "Its plan is not the one that was approved.", None
    return "", plan


async def _shut(workshop: Workshop, held: Claimed, plan: Plan) -> tuple[str, str]:
    """What was switched off since it was approved; a job that began goes on, so that nothing is left half-made."""
    async with workshop.database.connect() as conn:
        begun = await jobs.steps(conn, held.id)
    return ("", "") if begun else workshop.gate(plan) or ("", "")


async def _end(
    workshop: Workshop, conn: AsyncConnection, held: Claimed, outcome: Outcome, results: Mapping[str, Result]
) -> None:
    """State, hook and audit row are committed together."""
    told = {"words": _words(outcome, held, results), "counts": counts_of(results), "left": list(outcome.left)}
    said = " ".join(str(result["words"]) for result in results.values() if result.get("words"))
    if said and outcome.state == "done":
        told["said"] = said
    await claims.end(conn, held.id, held.runner, outcome.state, told, outcome.error, outcome.fix)
    await workshop.ended(conn, held.id, outcome.state)
    detail = {"kind": held.plan.get("kind"), "request": held.request_id, "error": outcome.error}
    await audit.record(
        conn, person=held.asked_by, action="job.end", target=f"JOB-{held.id}", outcome=outcome.state,
        detail={**detail, "left": len(outcome.left), "cancelled_by": held.cancel_by},
    )  # fmt: skip
    log.info("job.end", job=held.id, state=outcome.state, left=len(outcome.left))


def _words(outcome: Outcome, held: Claimed, results: Mapping[str, Result]) -> str:
    of = len(held.plan.get("steps", ()))
    if outcome.state == "done":
        return f"All {of} steps are done." if of != 1 else ""  # the state says it already
    if outcome.state == "unsure":
        return f"{len(results)} of {of} steps are done; of one nobody knows. Nothing was undone or repeated."
    if outcome.left:
        return f"It could not be undone whole: {len(outcome.left)} left."
    if not results:
        return "Nothing was changed."
    undone = any(step.get("undo") for step in held.plan.get("steps", ()))
    return "What was done is undone." if undone else "What was done is kept."


@dataclass(slots=True)
class _Run:
    """One run of a job: `results` of the steps that are done, `stands` how each step stands on record."""

    workshop: Workshop
    held: Claimed
    plan: Plan
    engine: Engine
    results: dict[str, Result] = field(default_factory=dict)
    stands: dict[int, str] = field(default_factory=dict)
    failed: bool = False

    async def outcome(self) -> Outcome:
        """Runs what is left to run. Where it failed, or was cancelled, what was done is undone."""
        known = await self._recall()
        if known is None:
            known = await self._forward()
        if known.state in ("failed", "cancelled"):
            left = await self._backward()
            return Outcome(known.state, known.error, known.fix, tuple(left))
        return known

    async def _recall(self) -> Outcome | None:
        """What an earlier run of the job left; an outcome when it had come to one already."""
        async with self.workshop.database.connect() as conn:
            found = await jobs.steps(conn, self.held.id)
        self.stands = {step.number: step.state for step in found}
        self.results = {step.name: step.result for step in found if step.state == "done"}
        for step in found:
            if step.state == "unsure":
                return Outcome("unsure", step.error, str(step.result.get("fix", "")))
        bad = next((step for step in found if step.state in ("failed", "given_up")), None)
        if bad is not None:
            return Outcome("failed", bad.error, str(bad.result.get("fix", "")))
        undoing = any(step.state in ("undone", "undo_failed") for step in found)
        return _cancelled() if undoing else None

    async def _forward(self) -> Outcome:
        numbered = list(enumerate(self.plan.steps, 1))
        runs = groupby(numbered, key=lambda pair: (pair[1].together, 0 if pair[1].together else pair[0]))
        side_by_side = asyncio.Semaphore(self.workshop.together)
        progress = Progress(self.workshop, self.held, len(numbered))
        try:
            for _, group in runs:
                await self._group([p for p in group if self.stands.get(p[0]) != "done"], side_by_side, progress)
        except UnsureError as unsure:
            return Outcome("unsure", unsure.what, unsure.look)
        except StepError as error:
            return Outcome("failed", error.what, error.fix)
        except Cancelled:
            return _cancelled()
        return Outcome("done")

    async def _group(
        self, group: Sequence[tuple[int, Step]], side_by_side: asyncio.Semaphore, progress: Progress
    ) -> None:
        """Neighbours that may run side by side. All come to rest before the worst of their ends is told."""

        async def one(number: int, step: Step) -> None:
            async with side_by_side:
                if not self.failed:
                    await self._step(number, step, progress)

        ends = await asyncio.gather(*(one(*pair) for pair in group), return_exceptions=True)
        wrong = sorted((end for end in ends if isinstance(end, BaseException)), key=_gravity)
        if wrong:
            raise wrong[0]

    async def _step(self, number: int, step: Step, progress: Progress) -> None:
        action = self.workshop.actions.get(step.action, _Unknown(step.action))
        doing = self._doing(number, step, partial(progress.tell, number, step))
        try:
            result = await do(
                action, doing, self.engine, self.workshop.patience, partial(self._begin, number, step, progress),
                partial(progress.note, number, step),
            )  # fmt: skip
        except (StepError, UnsureError) as error:
            self.failed = True
            await self._settle(number, step, error)
            raise
        except Cancelled:
            self.failed = True
            raise
        await self._record(number, "done", result)
        self.results[step.name] = result

    async def _begin(self, number: int, step: Step, progress: Progress) -> None:
        self.engine.check()
        async with self.workshop.database.begin() as conn:
            if await claims.hold(conn, self.held.id, self.held.runner) is not None:
                raise Cancelled
            await claims.begin_step(conn, self.held.id, self.held.runner, number, step.name)
        self.stands[number] = "begun"
        await progress.begin(number, step)

    async def _settle(self, number: int, step: Step, error: StepError | UnsureError) -> None:
        if isinstance(error, UnsureError):
            await self._record(number, "unsure", {"fix": error.look}, error.what)
        else:
            state = "given_up" if isinstance(error, GivenUp) else "failed"
            await self._record(number, state, {"fix": error.fix}, error.what)

    async def _backward(self) -> list[Mapping[str, Any]]:
        """Undo in reverse what is done, and what may be; what could not be undone, and what to do about it."""
        left: list[Mapping[str, Any]] = []
        for number, step in reversed(list(enumerate(self.plan.steps, 1))):
            stands = self.stands.get(number)
            if stands == "undo_failed":
                left.append(await self._left_before(number, step))
            elif stands in ("done", "begun", "given_up") and step.undo:
                left += await self._take_back(number, step, self.results.get(step.name))
        return left

    async def _take_back(self, number: int, step: Step, result: Result | None) -> list[Mapping[str, Any]]:
        self.engine.check()
        action = self.workshop.actions.get(step.action, _Unknown(step.action))
        try:
            await take_back(action, self._doing(number, step), self.engine, self.workshop.patience, result)
        except (StepError, UnsureError) as error:
            todo = error.fix if isinstance(error, StepError) else error.look
            left = _left(step, result, str(error), todo)
            await self._record(number, "undo_failed", left, str(error))
            return [left]
        before = self.stands[number]
        await self._record(number, before if before == "given_up" else "undone", result or {})
        return []

    async def _left_before(self, number: int, step: Step) -> Mapping[str, Any]:
        async with self.workshop.database.connect() as conn:
            found = [one for one in await jobs.steps(conn, self.held.id) if one.number == number]
        return found[0].result if found else _left(step, None, "", "")

    async def _record(self, number: int, state: str, result: Result, error: str = "") -> None:
        async with self.workshop.database.begin() as conn:
            await claims.end_step(conn, self.held.id, self.held.runner, number, state, result, error)
        self.stands[number] = state

    def _doing(self, number: int, step: Step, tell: Callable[[Telling], Awaitable[None]] | None = None) -> Doing:
        more = {"tell": tell} if tell else {}
        key = f"JOB-{self.held.id}-{number}"
        return Doing(
            self.held.id, self.plan, step, key, self.workshop.database, self._acting, dict(self.results),
            cancelled=self._is_cancelled, **more,
        )  # fmt: skip

    async def _is_cancelled(self) -> bool:
        async with self.workshop.database.begin() as conn:
            return await claims.hold(conn, self.held.id, self.held.runner) is not None

    async def _acting(self, source: str) -> Acting:
        """Only of sources that the plan names."""
        if source not in {target.source for target in self.plan.targets}:
            raise StepError(f"the plan does not change {source}", "ask for the change again")
        return await self.workshop.clouds.open(source)


@dataclass(frozen=True, slots=True)
class _Unknown:
    """Stands for an action of another version."""

    name: str

    async def look(self, doing: Doing) -> Result | None:
        raise StepError(f"this version does not know how to do {self.name}", "update the workers, then ask again")

    async def act(self, doing: Doing) -> Result:
        raise StepError(f"this version does not know how to do {self.name}", "update the workers, then ask again")

    async def undo(self, doing: Doing, result: Result) -> None:
        raise StepError(f"this version does not know how to undo {self.name}", "update the workers, undo it by hand")


def _cancelled() -> Outcome:
    return Outcome("cancelled")


def _left(step: Step, result: Result | None, what: str, todo: str) -> Mapping[str, Any]:
    made = {name: value for name, value in (result or {}).items() if isinstance(value, str | int)}
    return {"step": step.name, "does": step.does, "made": made, "what": what, "fix": todo or f"by hand: {step.undo}"}


def _gravity(end: BaseException) -> int:
    """What counts most of several ends: what goes through, then what nobody knows, what failed, what was asked."""
    order = (UnsureError, StepError, Cancelled)
    return next((place for place, kind in enumerate(order, 1) if isinstance(end, kind)), 0)
