"""What a runbook is, and which there are."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.plans import Plan
from engines.restore.wishes import House
from storage.filters import Ref
from storage.inventory import Found
from storage.scopes import Scope


@dataclass(frozen=True, slots=True)
class Run:
    """What a runbook is run on: a project, or one VM of it."""

    scope: Scope
    project: Ref
    vm: Found | None
    now: datetime
    house: House


Planned = Callable[[AsyncConnection, Run], Awaitable[Plan]]


@dataclass(frozen=True, slots=True)
class Runbook:
    """`kind` is that of its plans, by which the rules say what a run needs. `also` are other names that it goes by,
    `on` what it can be run on. `plan` changes nothing, and raises CannotPlanError where there is nothing to do."""

    name: str
    title: str
    does: str
    kind: str
    plan: Planned
    on: tuple[str, ...] = ("project", "vm")
    also: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()

    def is_about(self, text: str) -> bool:
        said = text.casefold().replace("_", " ")
        told = " ".join((self.name.replace("_", " "), self.title, self.does, *self.also)).casefold()
        return all(word.rstrip("s") in told for word in said.split())


@cache
def find_runbooks() -> Mapping[str, Runbook]:
    """Every runbook by its name. Raises ValueError where two go by one name."""
    package = importlib.import_module("engines.runbooks")
    found: dict[str, Runbook] = {}
    taken: set[str] = set()
    for module in pkgutil.iter_modules(package.__path__):
        runbook = getattr(importlib.import_module(f"engines.runbooks.{module.name}"), "RUNBOOK", None)
        if runbook is None:
            continue
        names = {runbook.name, *runbook.also}
        if names & taken:
            raise ValueError(f"two runbooks are called {', '.join(sorted(names & taken))}")
        taken |= names
        found[runbook.name] = runbook
    return MappingProxyType(found)
