"""Change freezes: what holds a change up, and how one is begun and ended as a change of its own."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.changes.rules import HOUSE
from engines.plans import Plan, Step
from storage import freezes
from storage.freezes import Freeze

ON, OFF = "freeze", "freeze_end"


async def stops(conn: AsyncConnection, kind: str, places: Collection[tuple[str, str | None]]) -> Freeze | None:
    """The freeze that holds a change of this kind at these places up now: when it is asked for, decided on, begun."""
    return None if kind in HOUSE else await freezes.holding(conn, places)


def told(freeze: Freeze) -> str:
    """One line: since when, until when, who, why."""
    where = f" of project {freeze.project_id} of {freeze.source}" if freeze.project_id else ""
    until = f"until {stamp(freeze.until)}" if freeze.until else "until it is ended"
    why = f": {freeze.words}" if freeze.words else ""
    return f"Changes{where} are frozen {until}, by {freeze.by}{why}."


def begin(
    *,
    since: datetime | None,
    until: datetime | None,
    words: str,
    project: tuple[str, str, str] | None,
    now: datetime,
) -> Plan:
    """`project` is (source, id, name); None: everywhere."""
    where = f"of project {project[2]}" if project else "everywhere"
    options = {
        "source": project[0] if project else None,
        "project_id": project[1] if project else None,
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
        "words": words,
    }
    over = until is None or until > max(since or now, now)
    facts = (
        ("where", where),
        ("from", stamp(since) if since else "at once"),
        ("until", stamp(until) if until else "it is ended"),
        *((("why", words),) if words else ()),
    )
    return Plan(
        ON, f"Freeze changes {where}", (), (Step("freeze", "house", "No change is asked for, approved or begun"),),
        options=options, facts=facts, blast=where, undo="say: end the change freeze",
        warnings=() if until else ("It has no end: it holds until somebody ends it.",),
        checks=() if over else _over(until),
    )  # fmt: skip


def _over(until: datetime | None) -> tuple[Any, ...]:
    from engines.plans import Check

    return (Check("it ends after it begins", False, f"its end, {stamp(until) if until else ''}, is over"),)


def finish(found: Sequence[Freeze]) -> Plan:
    lines = tuple((f"freeze {one.id}", told(one)) for one in found)
    return Plan(
        OFF, "End the change freeze", (), (Step("end", "house", "Changes are possible again"),),
        options={"ids": [one.id for one in found]}, facts=lines, blast="everywhere" if len(found) != 1 else "",
        undo="say: freeze changes until …",
    )  # fmt: skip


async def apply(conn: AsyncConnection, kind: str, options: Mapping[str, Any], by: str) -> None:
    """Begin or end, as it was shown."""
    if kind == OFF:
        await freezes.end(conn, [int(one) for one in options["ids"]], by)
        return
    await freezes.add(
        conn, source=options["source"], project_id=options["project_id"], since=_moment(options["since"]),
        until=_moment(options["until"]), words=str(options["words"]), by=by,
    )  # fmt: skip


def _moment(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
