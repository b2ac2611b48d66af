"""The YAML file of an installation: policies of its own, rules, exclusions. Loaded whole, in place of the last one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.snapshots import gathering
from engines.snapshots.assigning import Book, Change, Exclusion, compare
from engines.snapshots.calendars import CalendarError, checked
from engines.snapshots.policies import MOST_COPIES, Policies, is_name, of_custom, told_by_name
from engines.snapshots.rules import Rule, RuleError, from_json, read_rules, to_json
from storage import snapshots as said
from storage.filters import Where
from storage.scopes import EVERYTHING

_KEYS = {"policies", "rules", "exclusions"}
_MOST_CHARACTERS = 1_000_000
_PLACES = ("volume", "vm", "project")


@dataclass(frozen=True, slots=True)
class RuleFile:
    """`policies` are (name, cron, zone, retention), `exclusions` ((source, kind, id), reason, until)."""

    policies: tuple[tuple[str, str, str, int], ...] = ()
    rules: tuple[Rule, ...] = ()
    exclusions: tuple[tuple[said.Place, str, datetime | None], ...] = ()


def read_file(text: str) -> RuleFile:
    """Raises RuleError, with the key that is wrong."""
    import yaml

    if len(text) > _MOST_CHARACTERS:
        raise RuleError("file", f"is longer than {_MOST_CHARACTERS:,} characters")
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise RuleError("file", f"is no YAML{where}") from None
    if not isinstance(data, dict) or not data.keys() <= _KEYS:
        wrong = ", ".join(sorted(map(str, data.keys() - _KEYS))) if isinstance(data, dict) else "no mapping"
        raise RuleError("file", f"has {wrong}; it may have {', '.join(sorted(_KEYS))}")
    policies = tuple(_policy(one, f"policies[{at}]") for at, one in enumerate(_list(data, "policies"), 1))
    rules = read_rules(_list(data, "rules"), of_custom(policies))
    exclusions = tuple(_exclusion(one, f"exclusions[{at}]") for at, one in enumerate(_list(data, "exclusions"), 1))
    return RuleFile(policies, rules, exclusions)


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    found = data.get(key) or []
    if not isinstance(found, list):
        raise RuleError(key, "must be a list")
    return found


def _mapping(data: Any, at: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise RuleError(at, "must be a mapping of keys to values")
    for key in data:
        if key not in known:
            raise RuleError(f"{at}.{key}", f"is no key that I know; known are {', '.join(sorted(known))}")
    return data


def _policy(data: Any, at: str) -> tuple[str, str, str, int]:
    told = _mapping(data, at, {"name", "cron", "zone", "retention"})
    name, keep = str(told.get("name", "")), told.get("retention")
    if not is_name(name) or told_by_name(name) is not None:
        raise RuleError(f"{at}.name", f"{name[:60]!r} must be a-z, 0-9, _ - ., and none that tells its own calendar")
    if isinstance(keep, bool) or not isinstance(keep, int) or not 1 <= keep <= MOST_COPIES:
        raise RuleError(f"{at}.retention", f"must be a whole number from 1 to {MOST_COPIES:,}")
    try:
        calendar = checked(str(told.get("cron", "")), str(told.get("zone", "UTC")))
    except CalendarError as error:
        raise RuleError(f"{at}.cron", error.what) from None
    return name, calendar.cron, calendar.zone, keep


def _exclusion(data: Any, at: str) -> tuple[said.Place, str, datetime | None]:
    told = _mapping(data, at, {"source", *_PLACES, "reason", "until"})
    named = [kind for kind in _PLACES if told.get(kind)]
    if len(named) != 1 or not told.get("source"):
        raise RuleError(at, f"must have a source and the id of one {', '.join(_PLACES[:-1])} or {_PLACES[-1]}")
    if not str(told.get("reason") or "").strip():
        raise RuleError(f"{at}.reason", "is missing: who comes later wants to know why")
    place = (str(told["source"]), named[0], str(told[named[0]]))
    return place, str(told["reason"]).strip()[:500], _until(told.get("until"), f"{at}.until")


def _until(value: Any, at: str) -> datetime | None:
    """A day ends with it."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, 23, 59, 59, tzinfo=UTC)
    raise RuleError(at, "must be a day such as 2026-12-24, or a time")


async def would_change(conn: AsyncConnection, file: RuleFile, now: datetime) -> list[Change]:
    """What loading it would change, volume by volume."""
    held = await gathering.volumes(conn, EVERYTHING, Where("volume"), now)
    before = await gathering.book(conn, now)
    exclusions: dict[said.Place, tuple[Exclusion, ...]] = {}
    for place, reason, until in file.exclusions:
        exclusions[place] = (*exclusions.get(place, ()), Exclusion(*place, reason, until))
    after = Book(of_custom(file.policies), file.rules, before.assignments, exclusions, before.listed)
    return compare([one.facts for one in held], before, after, now)


async def load(conn: AsyncConnection, file: RuleFile, by: str) -> None:
    await said.replace_all(
        conn,
        policies=file.policies,
        rules=[(rule.name, to_json(rule)) for rule in file.rules],
        exclusions=file.exclusions,
        by=by,
    )


async def loaded(conn: AsyncConnection, now: datetime) -> tuple[Policies, tuple[Rule, ...], list[tuple[Any, ...]]]:
    """Policies, rules and exclusions that count now."""
    rules = tuple(from_json(one) for one in await said.rules(conn))
    return await gathering.policies(conn), rules, list(await said.exclusions(conn, now))
