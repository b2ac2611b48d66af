"""What steps of plans do. An action looks before it acts: what was done already is not done again."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from engines.clouds.acting import Acting
from engines.plans import Plan, Step
from storage.database import Database

Result = Mapping[str, Any]
"""What a step tells those after it and its record: JSON values without secrets."""


@dataclass(frozen=True, slots=True)
class Doing:
    """One step under way. `key` is unique for its effect, the same at every attempt (`JOB-7-3`): what is made in a
    cloud is named or marked after it. `earlier` are the results of the steps before, by name.

    `acting(source)` is the client that changes a cloud; it exists only here. `tell` shows how far a long step is.
    `cancelled` says whether somebody asked to stop.
    """

    job_id: int
    plan: Plan
    step: Step
    key: str
    database: Database
    acting: Callable[[str], Awaitable[Acting]]
    earlier: Mapping[str, Result] = field(default_factory=dict)
    tell: Callable[["Telling"], Awaitable[None]] = field(default=lambda _: _nothing())
    cancelled: Callable[[], Awaitable[bool]] = field(default=lambda: _no())


@dataclass(frozen=True, slots=True)
class Telling:
    """How far a step is: `done` of `of` things, and counts in words such as {"made": 281, "failed": 2}."""

    done: int = 0
    of: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


async def _nothing() -> None: ...


async def _no() -> bool:
    return False


class StepError(Exception):
    """The step cannot be done: `what` happened to what, and what to do now as `fix`. The job is undone and fails."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class UnsureError(Exception):
    """Nobody can know whether the step took effect: `what` is unknown, `look` says where a person looks."""

    def __init__(self, what: str, look: str) -> None:
        super().__init__(what)
        self.what = what
        self.look = look


class NotYet(Exception):  # noqa: N818 - a state of the world, not an error
    """The step waits for the cloud: ask again in `seconds`, from `look` on. Cancel takes effect meanwhile."""

    def __init__(self, seconds: float, note: str = "") -> None:
        super().__init__(note)
        self.seconds = seconds
        self.note = note


class Action(Protocol):
    """One kind of step; it keeps nothing between calls.

    All three raise StepError, UnsureError or NotYet; any other error is a fault, and the step is tried again by
    `look` first, a few times.
    """

    @property
    def name(self) -> str:
        """What `Step.action` says: `snapshot.create`."""

    async def look(self, doing: Doing) -> Result | None:
        """The result, when the effect is there already; None when it is not, and may be made."""

    async def act(self, doing: Doing) -> Result: ...

    async def undo(self, doing: Doing, result: Result) -> None:
        """Take the effect away, and nothing else; what is gone already is no error."""


def find_actions() -> Mapping[str, Action]:
    """Every action, by name: the values of `ACTIONS` in modules called `actions` of the packages of engines.

    Raises ValueError where two have one name.
    """
    package = importlib.import_module("engines")
    found: dict[str, Action] = {}
    for room in pkgutil.iter_modules(package.__path__):
        if not room.ispkg:
            continue
        inside = importlib.import_module(f"engines.{room.name}")
        if any(module.name == "actions" for module in pkgutil.iter_modules(inside.__path__)):
            for action in importlib.import_module(f"engines.{room.name}.actions").ACTIONS:
                if action.name in found:
                    raise ValueError(f"two actions are called {action.name}")
                found[action.name] = action
    return MappingProxyType(found)
