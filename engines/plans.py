"""A change as data: what would be done, to what, in which steps, and how it would be undone.

A plan is frozen and has a digest; what runs is what was shown. Making one changes nothing: a dry run is a plan that
nobody runs.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """An object that a plan changes. `state` are the facts of the inventory that the plan relies on, as JSON values:
    when one of them is another one at the time of the decision, the plan is no longer what was shown."""

    source: str
    kind: str
    external_id: str
    name: str
    project_id: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `name` is unique in its plan; `action` says which of `engines.actions` does it with `arguments`
    (JSON values); `does` and `undo` are in words, an empty `undo` says that nothing is to be undone.

    Neighbouring steps with the same `together` that is not empty run side by side.
    """

    name: str
    action: str
    does: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    undo: str = ""
    together: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked at when planning. A plan with a check that is not `well` is shown but cannot be run."""

    name: str
    well: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`kind` is the intent that asked for it, `title` the change in one line ("Snapshot web-01"), `project` its
    project in words. `undo` and `cost` are in words, `facts` label and value pairs to show, `warnings` lines.

    `blast` tells how much it touches and whose it is. `demo`: it acts on an invented cloud.
    """

    kind: str
    title: str
    targets: tuple[Target, ...]
    steps: tuple[Step, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    blast: str = ""
    undo: str = ""
    cost: str = ""
    demo: bool = False

    @property
    def digest(self) -> str:
        """sha256 of what binds: kind, targets with their states, options, steps. What is only shown does not."""
        bound = [self.kind, [asdict(t) for t in self.targets], dict(self.options), [asdict(s) for s in self.steps]]
        return hashlib.sha256(json.dumps(bound, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def source(self) -> str | None:
        """The source of all targets; None for several, or none."""
        sources = {target.source for target in self.targets}
        return next(iter(sources)) if len(sources) == 1 else None

    @property
    def project_id(self) -> str | None:
        """The project of all targets, in one source; None for several, or none."""
        projects = {(target.source, target.project_id) for target in self.targets}
        return next(iter(projects))[1] if len(projects) == 1 else None

    @property
    def projects(self) -> frozenset[tuple[str, str | None]]:
        """(source, project id) of every target: the places that a right must reach."""
        return frozenset((target.source, target.project_id) for target in self.targets)

    @property
    def typed(self) -> str:
        """What whoever decides on it has to type, letter by letter; empty for most plans."""
        return str(self.options.get("typed") or "")

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.well)


def to_json(plan: Plan) -> dict[str, Any]:
    return asdict(plan)


def from_json(data: Mapping[str, Any]) -> Plan:
    """The opposite of `to_json`; raises KeyError or TypeError on what it never wrote."""
    return Plan(
        **{
            **data,
            "targets": tuple(Target(**target) for target in data["targets"]),
            "steps": tuple(Step(**step) for step in data["steps"]),
            "checks": tuple(Check(**check) for check in data["checks"]),
            "facts": tuple((label, value) for label, value in data["facts"]),
            "warnings": tuple(data["warnings"]),
        }
    )
