"""What the directory says, made so: people, and the roles of their groups. In one transaction, or not at all.

Roles that were given by hand stay. Whoever is in no group of the mapping any more loses what the directory gave, and
is disabled if the directory made them known. People are looked up for every message: it counts in open conversations.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.directory import Directory, DirectoryError, GroupRole, Member, Members
from storage import audit, directory_runs, people
from storage.database import Database
from storage.people import Grant, Person

log = structlog.get_logger(__name__)
_PATIENCE_S = 300.0
_FEW = 3  # so many may go at once, whatever share of all they are


@dataclass(frozen=True, slots=True)
class Report:
    """How many people the groups hold, how many of them were new, changed and gone; and who could not be taken."""

    people: int
    added: int
    changed: int
    gone: int
    left_out: tuple[str, ...]


@dataclass
class _Changes:
    """What is to be told of each person, in the audit record."""

    told: dict[str, dict[str, object]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    added: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def tell(self, person: str, what: str, value: object) -> None:
        self.told.setdefault(person, {})[what] = value


async def sync_directory(
    database: Database,
    directory: Directory,
    mapping: Sequence[GroupRole],
    *,
    asked_by: str,
    tick: datetime | None = None,
    accept: bool = False,
) -> Report | None:
    """Read the directory and apply it; None when another process does the one of this tick. `accept` lets more than
    half of the people go at once. Raises DirectoryError, and has changed nothing then."""
    async with database.begin() as conn:
        run_id = await directory_runs.begin(conn, asked_by=asked_by, now=datetime.now(UTC), tick=tick)
    if run_id is None:
        return None
    try:
        found = await _read(directory, mapping)
        async with database.begin() as conn:
            report = await apply(conn, found, mapping, accept=accept)
            await directory_runs.finish(
                conn, run_id, "done", datetime.now(UTC), report.people, "; ".join(report.left_out)
            )
    except Exception as error:
        async with database.begin() as conn:
            unexpected = f"something unexpected went wrong ({type(error).__name__}); look at the log"
            detail = str(error) if isinstance(error, DirectoryError) else unexpected
            await directory_runs.finish(conn, run_id, "failed", datetime.now(UTC), 0, detail)
        if isinstance(error, DirectoryError):
            log.error("directory.failed", what=error.what, fix=error.fix)
        raise
    log.info("directory.synced", people=report.people, added=report.added, changed=report.changed, gone=report.gone,
             left_out=list(report.left_out)[:20])  # fmt: skip
    return report


async def _read(directory: Directory, mapping: Sequence[GroupRole]) -> Members:
    """In a thread: the library blocks."""
    groups = tuple(dict.fromkeys(one.group for one in mapping))
    try:
        return await asyncio.wait_for(asyncio.to_thread(directory.members, groups), _PATIENCE_S)
    except TimeoutError:
        raise DirectoryError(
            f"reading the directory took longer than {_PATIENCE_S:.0f} s", "narrow STACKHAND_LDAP_BASE"
        ) from None


async def apply(conn: AsyncConnection, found: Members, mapping: Sequence[GroupRole], *, accept: bool = False) -> Report:
    """Make it so, with an audit row for each person who is new, changed or gone. Raises DirectoryError where more than
    half of those who were there are missing, as they are when a search went wrong."""
    await directory_runs.lock(conn)
    everybody = await people.everybody(conn)
    changes = _Changes(left_out=list(found.left_out))
    matched = _matched(everybody, found.people, changes)
    before = [one for one in everybody if one.active and (one.via == "directory" or _given(one))]
    missing = [one for one in before if one.id not in matched]
    if not accept:
        _check_shrunk(len(before), len(missing), len(found.people))
    known = {one.id: one for one in everybody}
    for id_, member in matched.items():
        await _take(conn, known.get(id_), id_, member, _wanted(member, mapping), changes)
    for person in everybody:
        if person.id not in matched and (_given(person) or (person.via == "directory" and person.active)):
            await _drop(conn, person, changes)
    for id_, told in changes.told.items():  # last: writers of the record wait for one another
        await audit.record(conn, person="directory", action="directory.change", target=id_, outcome="done", detail=told)
    changed = len(changes.told) - len(changes.added) - len(changes.gone)
    return Report(len(matched), len(changes.added), changed, len(changes.gone), tuple(changes.left_out))


def _check_shrunk(before: int, missing: int, found: int) -> None:
    many = missing >= _FEW or (not found and before > 1)
    if many and missing * 2 > before:
        raise DirectoryError(
            f"{missing} of {before} people are in no group any more: that is more than half, and nothing was changed",
            "if it is meant, run: stackhand people sync --accept; else look at the groups and at what may be read",
        )


def _given(person: Person) -> list[Grant]:
    return [grant for grant in person.grants if grant.via == "directory"]


def _wanted(member: Member, mapping: Sequence[GroupRole]) -> set[Grant]:
    return {one.grant for one in mapping if one.group in member.groups}


def _matched(everybody: Sequence[Person], members: Sequence[Member], changes: _Changes) -> dict[str, Member]:
    """Whose entry is whose: by the entry's own id; else somebody new; else one who was made known by hand under that
    id and has the same e-mail. Another human of the same login name is nobody's heir."""
    by_entry = {one.directory_id: one for one in everybody if one.directory_id}
    by_id = {one.id.casefold(): one for one in everybody}
    matched: dict[str, Member] = {}
    for member in members:
        person = by_entry.get(member.entry_id)
        named = by_id.get(member.id.casefold())
        if person is None and named is not None:
            if named.directory_id is not None or not _same_email(named, member):
                changes.left_out.append(
                    f"{member.id}: a person of this id is here already, with another entry or e-mail; "
                    "rename one, or give both the same e-mail"
                )
                continue
            person = named
        matched[person.id if person else member.id] = member
    return matched


def _same_email(person: Person, member: Member) -> bool:
    one, other = (person.email or "").strip().casefold(), (member.email or "").strip().casefold()
    return bool(one) and one == other


async def _take(
    conn: AsyncConnection, person: Person | None, id_: str, member: Member, wanted: set[Grant], changes: _Changes
) -> None:
    """One member with the roles of their groups, and none else by the directory."""
    if person is None:
        new = await people.add_person(
            conn, id_, member.name, member.email, via="directory", directory_id=member.entry_id
        )
        if not new:  # made known by hand since this began
            changes.left_out.append(f"{id_}: a person of this id was made known a moment ago")
            return
        changes.added.add(id_)
        changes.tell(id_, "added", member.name)
    elif (person.name, person.email, person.directory_id) != (member.name, member.email, member.entry_id):
        await people.change_person(conn, id_, name=member.name, email=member.email, directory_id=member.entry_id)
        changes.tell(id_, "name and e-mail", [member.name, member.email])
    if person is not None and not person.active and person.disabled_by == "directory":
        await people.set_active(conn, id_, True)
        changes.tell(id_, "enabled", True)
    held = set(_given(person)) if person else set()
    for grant in sorted(wanted - held, key=repr):
        await people.grant(conn, id_, grant, "directory")
    for grant in held - wanted:
        await people.revoke(conn, id_, grant)
    _tell_roles(id_, wanted - held, held - wanted, changes)


async def _drop(conn: AsyncConnection, person: Person, changes: _Changes) -> None:
    """Somebody who is in no group any more, or is disabled in the directory."""
    given = _given(person)
    for grant in given:
        await people.revoke(conn, person.id, grant)
    _tell_roles(person.id, set(), set(given), changes)
    if person.via == "directory" and person.active:
        await people.set_active(conn, person.id, False, by="directory")
        changes.tell(person.id, "disabled", True)
    changes.gone.add(person.id)


def _tell_roles(id_: str, added: set[Grant], removed: set[Grant], changes: _Changes) -> None:
    for what, grants in (("roles added", added), ("roles removed", removed)):
        if grants:
            changes.tell(id_, what, sorted(map(_plain, grants)))


def _plain(grant: Grant) -> str:
    where: Mapping[str, str | None] = {
        "source": grant.source, "domain": grant.domain_id, "project": grant.project_id
    }  # fmt: skip
    return " ".join([grant.role, *(f"{name}={value}" for name, value in where.items() if value)])
