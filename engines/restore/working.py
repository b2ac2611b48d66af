"""What every step of a restore shares: its place, its mark, waiting, and taking away what bears the mark."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from engines.actions import Doing, NotYet, Result, StepError
from engines.clouds.acting import ActError, Acting
from engines.clouds.acting_servers import ActingServers, servers_of
from storage import restores

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """Looks are `poll_s` apart. An undo looks `tries` times; a step waits for `most_s` for the cloud."""

    poll_s: float = 3.0
    tries: int = 60
    most_s: float = 1800.0
    console_s: float = 90.0


def patient(pace: Pace, seconds: float) -> Pace:
    """The same, for what takes so much longer."""
    if seconds <= 0:
        return pace
    tries = pace.tries + (int(seconds / pace.poll_s) if pace.poll_s else 0)
    return replace(pace, tries=tries, most_s=pace.most_s + seconds)


@dataclass(frozen=True, slots=True)
class Site:
    """Where a step works: the storage client, the client for VMs, the project, the original."""

    acting: Acting
    servers: ActingServers
    project_id: str
    vm_id: str


async def site_of(doing: Doing) -> Site:
    told = doing.step.arguments
    acting = await doing.acting(told["source"])
    return Site(acting, servers_of(acting), told["project_id"], told["vm_id"])


def mark_of(doing: Doing, step: str = "") -> str:
    """What marks the things of a step, this one's or that of the one named. A plan's digest is in it, so that no other
    Stackhand that counts its jobs from one ever takes them for its own."""
    if not step:
        return f"{doing.key}-{doing.plan.digest[:16]}"
    number = next(place for place, one in enumerate(doing.plan.steps, 1) if one.name == step)
    return f"JOB-{doing.job_id}-{number}-{doing.plan.digest[:16]}"


def is_ours(doing: Doing, mark: str) -> bool:
    """Whether any step of this job left it."""
    return mark.startswith(f"JOB-{doing.job_id}-") and mark.endswith(f"-{doing.plan.digest[:16]}")


def made_by(doing: Doing, step: str) -> str:
    """The id of what an earlier step made."""
    return str(doing.earlier[step]["id"])


def result_of(doing: Doing, step: str) -> Result:
    return doing.earlier.get(step, {})


async def wait(doing: Doing, pace: Pace, note: str) -> NotYet:
    """What to raise while the cloud is at it. Raises StepError when that takes too long."""
    async with doing.database.connect() as conn:
        waited = await restores.waited_s(conn, doing.job_id, doing.step.name)
    if waited > pace.most_s:
        raise StepError(
            f"{doing.step.does}: not so after {waited / 60:.0f} min ({note})", "look at the cloud, then ask again"
        )
    return NotYet(pace.poll_s, note)


async def waited(doing: Doing) -> float:
    async with doing.database.connect() as conn:
        return await restores.waited_s(conn, doing.job_id, doing.step.name)


async def remove(
    pace: Pace,
    there: Callable[[], Awaitable[Sequence[T]]],
    delete: Callable[[T], Awaitable[None]],
    left: Callable[[Sequence[T]], tuple[str, str]],
) -> None:
    """Delete until the cloud shows none. Whatever a call says, the next look decides.

    Raises StepError with what `left` says of those that stay: what it is, and the command that removes it.
    """
    found: Sequence[T] = ()
    last: ActError | None = None
    for attempt in range(pace.tries):
        try:
            found = await there()
            if not found:
                return
            for one in found:
                await delete(one)
        except ActError as error:
            last = error
        if attempt + 1 < pace.tries:
            await asyncio.sleep(pace.poll_s)
    what, command = left(found)
    raise StepError(f"{what}: {last.detail if last else 'still there'}", command)


async def until(pace: Pace, holds: Callable[[], Awaitable[bool]], what: str, command: str) -> None:
    """Ask until it is so; for undoing, where a fault of a call must not end it. Raises StepError."""
    last: ActError | None = None
    for attempt in range(pace.tries):
        try:
            if await holds():
                return
        except ActError as error:
            last = error
        if attempt + 1 < pace.tries:
            await asyncio.sleep(pace.poll_s)
    raise StepError(f"{what}: {last.detail if last else 'not so yet'}", command)


def text(arguments: Any, key: str) -> str:
    return str(arguments.get(key) or "")


def password_by_hand(vm_id: str) -> str:
    """What sets a password where we did not, or where nobody could be shown it."""
    return f"openstack server set --password NEW-PASSWORD {vm_id}"
