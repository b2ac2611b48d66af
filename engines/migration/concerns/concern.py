"""How a concern is declared, and how one is found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from engines.migration.concerns.surroundings import Surroundings
from engines.migration.records import Vm

Category = Literal["critical", "warning", "information", "excluded"]
Origin = Literal["forklift", "plan", "openstack"]  # rules version 5, the plan controller, a target of OpenStack


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a concern shows: the cell, and what stands in it. Texts of notes are never in `value`."""

    sheet: str
    row: int
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    concern: str
    seen: Seen


def on_info(vm: Vm, column: str, value: object) -> Seen:
    return Seen("vInfo", vm.row, column, str(value))


Find = Callable[[Vm, Surroundings], Iterable[Seen]]


@dataclass(frozen=True, slots=True)
class Concern:
    """`needs` are the columns it is seen by, `sheet.field`; alternatives are split by `|`, one of which is enough.

    Where they are missing it is not checked, and said so. `find` None: an export has nothing to see it by.
    `of_mode`: it stands in the way of that way of moving only. `hint`: what is seen makes it likely, no more.
    """

    id: str
    category: Category
    origin: Origin
    title: str
    todo: str
    find: Find | None
    needs: tuple[str, ...] = ()
    of_mode: Literal["", "warm", "cold"] = ""
    hint: bool = False

    def is_checked(self, around: Surroundings) -> bool:
        return self.find is not None and all(any(around.has(one) for one in need.split("|")) for need in self.needs)
