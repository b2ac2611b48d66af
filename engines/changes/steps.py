"""One step of a plan, until it is done, cannot be done, or nobody knows: it looks before every act."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from engines.actions import Action, Doing, NotYet, Result, StepError, UnsureError
from engines.clouds.acting import ActError
from storage.claims import LostJobError
from storage.database import StorageUnavailable

log = structlog.get_logger(__name__)
_FINAL = ("refused", "over_limit", "gone")
_LONGEST_BACKOFF_S = 60.0


class Engine(Protocol):
    """What carries a run: it is told to stop at any pause, and goes on later from what is on record."""

    def check(self) -> None:
        """Raises Stopping when no new step may begin here."""

    async def sleep(self, seconds: float) -> None:
        """Raises Stopping as soon as the process is to stop."""


class Stopping(Exception):  # noqa: N818 - a state of the process, not an error
    """This process stops; the job goes on elsewhere, or here after the restart."""


class Cancelled(Exception):  # noqa: N818 - somebody's wish, not an error
    """Somebody asked the job to stop."""


PASSING = (Stopping, Cancelled, LostJobError, StorageUnavailable)
"""What is no fault of a step: it goes through to those who carry the run."""


@dataclass(frozen=True, slots=True)
class Patience:
    """`faults` in a row that a step may have, with pauses that double from `backoff_s`."""

    faults: int = 5
    backoff_s: float = 1.0

    def pause_s(self, fault: int, asked_s: float = 0.0) -> float:
        return max(asked_s, min(_LONGEST_BACKOFF_S, self.backoff_s * 2.0 ** (fault - 1)))


Note = Callable[[str], Awaitable[None]]
Begin = Callable[[], Awaitable[None]]


async def do(action: Action, doing: Doing, engine: Engine, patience: Patience, begin: Begin, note: Note) -> Result:
    """The step's result. `begin` puts each attempt on record and raises Cancelled; `note` tells why it waits.

    Raises StepError or UnsureError; PASSING goes through.
    """

    async def attempt() -> Result:
        await begin()
        found = await action.look(doing)
        return found if found is not None else await action.act(doing)

    return await persist(attempt, engine, patience, note, what=doing.step.does, key=doing.key)


R = TypeVar("R")


async def persist(
    attempt: Callable[[], Awaitable[R]], engine: Engine, patience: Patience, note: Note, *, what: str, key: str
) -> R:
    """Attempts until one gives a value; faults are tried again a few times, then they are a StepError."""
    faults = 0
    while True:
        try:
            return await attempt()
        except NotYet as wait:
            faults = 0
            await note(wait.note)
            await engine.sleep(max(wait.seconds, 0.0))
        except (StepError, UnsureError, *PASSING):
            raise
        except Exception as fault:
            faults += 1
            if faults > patience.faults or _is_final(fault):
                raise _given_up(fault, what, faults) from fault
            log.warning("step.fault", key=key, error=_kind(fault), attempt=faults)
            await note(f"attempt {faults} failed ({_kind(fault)}), tried again")
            await engine.sleep(patience.pause_s(faults, getattr(fault, "retry_after_s", 0.0)))


def _is_final(fault: Exception) -> bool:
    return isinstance(fault, ActError) and fault.reason in _FINAL and not fault.maybe_done


def _kind(fault: Exception) -> str:
    return fault.reason if isinstance(fault, ActError) else type(fault).__name__


class GivenUp(StepError):  # noqa: N818 - a StepError as any other for those above
    """Faults did not end: the step may have taken effect, and is looked at before anything is undone."""


def _given_up(fault: Exception, what: str, faults: int) -> StepError:
    if isinstance(fault, ActError):
        told = f"{what}: {fault.detail}"
        return StepError(told, fault.fix) if _is_final(fault) else GivenUp(told, fault.fix)
    log.error("step.unexpected", what=what, exc_info=fault)
    return GivenUp(
        f"{what}: something unexpected went wrong ({type(fault).__name__}), {faults} times in a row",
        "see the worker's log, then ask for the change again",
    )


async def take_back(action: Action, doing: Doing, engine: Engine, patience: Patience, known: Result | None) -> None:
    """Undo a step that is done (`known` is its result), or one that may be: then it is looked at first.

    Raises StepError or UnsureError when it could not be undone.
    """

    async def found() -> Result | None:
        return await action.look(doing)

    async def undo(result: Result) -> bool:
        await action.undo(doing, result)
        return True

    what = f"undoing: {doing.step.does}"
    result = known
    if result is None:
        result = await persist(found, engine, patience, _silent, what=what, key=doing.key)
    if result is not None:
        taken: Mapping[str, object] = result
        await persist(lambda: undo(taken), engine, patience, _silent, what=what, key=doing.key)


async def _silent(_: str) -> None: ...
