"""A set of rules put in force: as a change of its own, or by whoever works on the machine."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.changes.rule_files import write
from engines.changes.rules import Rule, from_json
from engines.plans import Plan, Step
from storage import change_rules

KIND = "change_rules"
_MOST_LINES = 60


async def current(conn: AsyncConnection) -> tuple[Rule, ...]:
    """Those that were put in force, without the defaults."""
    return tuple(map(from_json, await change_rules.load(conn)))


def difference(before: Sequence[Rule], after: Sequence[Rule]) -> list[str]:
    """Lines that are taken out and added, with their marks."""
    told = difflib.unified_diff(write(before).splitlines(), write(after).splitlines(), lineterm="", n=1)
    return [line for line in told if not line.startswith(("---", "+++", "@@"))]


def plan(before: Sequence[Rule], after: Sequence[Rule]) -> Plan:
    """What would be in force instead."""
    lines = difference(before, after)
    more = len(lines) - _MOST_LINES
    shown = [*lines[:_MOST_LINES], *([f"… {more} more lines"] if more > 0 else [])]
    facts = (("rules", f"{len(after)}, now {len(before)}"), ("difference", "\n".join(shown) or "none"))
    return Plan(
        KIND, "Put change rules in force", (), (Step("load", "house", "These rules decide from then on"),),
        options={"rules": [rule.to_json() for rule in after], "before": [rule.to_json() for rule in before]},
        facts=facts, blast="every change from then on", undo="load the file of before",
    )  # fmt: skip


async def apply(conn: AsyncConnection, options: Mapping[str, Any], by: str) -> None:
    await change_rules.replace(conn, options["rules"], by)


async def load(conn: AsyncConnection, after: Sequence[Rule], by: str) -> list[str]:
    """Put them in force at once; the lines that differ. For whoever holds the database anyway, who records it."""
    lines = difference(await current(conn), after)
    await change_rules.replace(conn, [rule.to_json() for rule in after], by)
    return lines
