"""What a directory says is made so, or nothing is: by hand stays by hand, and nobody inherits."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

import pytest

from engines.directory import DirectoryError, GroupRole, Member, Members
from engines.directory.sync import Report, sync_directory
from storage import audit, people
from storage.database import Database
from storage.directory_runs import last_run
from storage.people import Grant, Person

OPS, ALL = GroupRole("ops", "operator"), GroupRole("all", "viewer", "one", "d-1")
OPERATOR, VIEWER = Grant("operator", via="directory"), Grant("viewer", "one", domain_id="d-1", via="directory")


def member(id_: str, *groups: str, entry: str = "", email: str | None = None) -> Member:
    return Member(id_, entry or f"entry-{id_}", id_.capitalize(), email or f"{id_}@t", frozenset(groups or ("all",)))


@dataclass
class Told:
    """A directory that says what it was told to, or fails."""

    people: list[Member] = field(default_factory=list)
    error: Exception | None = None

    def members(self, groups: Collection[str]) -> Members:
        assert set(groups) == {"ops", "all"}
        if self.error is not None:
            raise self.error
        return Members(tuple(self.people))


async def sync(database: Database, *found: Member, accept: bool = False, tick: datetime | None = None) -> Report:
    report = await sync_directory(database, Told(list(found)), (OPS, ALL), asked_by="test", accept=accept, tick=tick)
    assert report is not None
    return report


async def person(database: Database, id_: str) -> Person:
    async with database.connect() as conn:
        found = await people.person_by_id(conn, id_)
    assert found is not None
    return found


async def test_members_become_people_with_the_roles_of_their_groups(database: Database) -> None:
    report = await sync(database, member("ann", "ops", "all"), member("bob"))
    assert (report.people, report.added, report.changed, report.gone) == (2, 2, 0, 0)
    ann = await person(database, "ann")
    assert (ann.via, ann.directory_id, ann.email, ann.active) == ("directory", "entry-ann", "ann@t", True)
    assert set(ann.grants) == {OPERATOR, VIEWER} and (await person(database, "bob")).grants == (VIEWER,)
    again = await sync(database, member("ann", "ops", "all"), member("bob"))
    assert (again.added, again.changed, again.gone) == (0, 0, 0)
    async with database.connect() as conn:
        rows = (await audit.entries(conn, limit=10))[0]
        assert [row.target for row in rows] == ["bob", "ann"] and (await audit.verify(conn)).bad is None
    assert rows[1].detail["roles added"] == ["operator", "viewer source=one domain=d-1"]


async def test_a_role_goes_with_its_group_and_by_hand_stays(database: Database) -> None:
    await sync(database, member("ann", "ops", "all"))
    async with database.begin() as conn:
        await people.grant(conn, "ann", Grant("operator"), "root")
        await people.grant(conn, "ann", Grant("admin", "one", "p-1"), "root")
    report = await sync(database, member("ann", "all"))
    assert report.changed == 1
    assert set((await person(database, "ann")).grants) == {VIEWER, Grant("operator"), Grant("admin", "one", "p-1")}


async def test_who_is_gone_loses_it_at_once_and_comes_back(database: Database) -> None:
    await sync(database, member("ann", "ops"), member("bob"), member("cal"))
    async with database.begin() as conn:
        await people.link_account(conn, "chat", "U1", "ann")
    report = await sync(database, member("bob"), member("cal"))
    ann = await person(database, "ann")
    assert report.gone == 1 and ann.grants == () and not ann.active and ann.disabled_by == "directory"
    assert (await sync(database, member("bob"), member("cal"))).gone == 0
    await sync(database, member("ann"), member("bob"), member("cal"))
    ann = await person(database, "ann")
    assert ann.active and ann.grants == (VIEWER,) and ann.disabled_by is None


async def test_who_was_disabled_by_hand_stays_so(database: Database) -> None:
    await sync(database, member("ann"), member("bob"))
    async with database.begin() as conn:
        await people.set_active(conn, "ann", False)
    await sync(database, member("ann", "ops", "all"), member("bob"))
    assert not (await person(database, "ann")).active
    await sync(database, member("bob"))
    await sync(database, member("ann"), member("bob"))
    assert not (await person(database, "ann")).active


async def test_a_person_made_by_hand_is_taken_only_with_the_same_email(database: Database) -> None:
    async with database.begin() as conn:
        for id_, email in (("ann", "ANN@t"), ("bob", "other@t"), ("cal", None), ("Dan", "dan@t")):
            await people.add_person(conn, id_, id_, email)
            await people.grant(conn, id_, Grant("superadmin"), "root")
    report = await sync(database, member("ann"), member("bob"), member("cal"), member("dan"))
    assert len(report.left_out) == 2 and {line.split(":")[0] for line in report.left_out} == {"bob", "cal"}
    assert set((await person(database, "ann")).grants) == {Grant("superadmin"), VIEWER}
    assert set((await person(database, "Dan")).grants) == {Grant("superadmin"), VIEWER}
    assert (await person(database, "bob")).grants == (Grant("superadmin"),)
    await sync(database, member("zoe"), accept=True)
    ann = await person(database, "ann")
    assert ann.active and ann.grants == (Grant("superadmin"),), "not made by the directory: not disabled by it"


async def test_a_new_colleague_with_an_old_login_inherits_nothing(database: Database) -> None:
    await sync(database, member("ann", "ops"), member("bob"), member("cal"))
    async with database.begin() as conn:
        await people.link_account(conn, "chat", "U1", "ann")
        await people.grant(conn, "ann", Grant("admin"), "root")
    report = await sync(database, member("ann", "ops", entry="another human"), member("bob"), member("cal"))
    ann = await person(database, "ann")
    assert not ann.active and OPERATOR not in ann.grants and "ann" in report.left_out[0]


async def test_a_renamed_entry_is_the_same_person(database: Database) -> None:
    await sync(database, member("ann"), member("bob"))
    await sync(database, replace(member("ann-married", entry="entry-ann"), name="Ann New"), member("bob"))
    ann = await person(database, "ann")
    assert (ann.name, ann.email, ann.active) == ("Ann New", "ann-married@t", True)
    async with database.connect() as conn:
        assert await people.person_by_id(conn, "ann-married") is None


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [(1, 0, False), (2, 0, True), (2, 1, False), (3, 1, False), (4, 1, True), (5, 2, True), (6, 3, False),
     (8, 4, False), (10, 4, True), (60, 29, True), (60, 30, False)],
)  # fmt: skip
async def test_a_directory_in_which_most_are_missing_changes_nothing(
    database: Database, before: int, after: int, refused: bool
) -> None:
    everybody = [member(f"p{number}", "ops") for number in range(before)]
    await sync(database, *everybody)
    if not refused:
        assert (await sync(database, *everybody[:after])).gone == before - after
        return
    with pytest.raises(DirectoryError, match=f"{before - after} of {before} people .* nothing was changed"):
        await sync(database, *everybody[:after])
    for number in (0, before - 1):
        assert (await person(database, f"p{number}")).grants == (OPERATOR,)
    async with database.connect() as conn:
        last = await last_run(conn)
    assert last is not None and last.state == "failed" and "sync --accept" in last.detail
    assert (await sync(database, *everybody[:after], accept=True)).gone == before - after


@pytest.mark.parametrize("error", [DirectoryError("it is away", "wait"), RuntimeError("canary")])
async def test_a_directory_that_fails_changes_nothing(database: Database, error: Exception) -> None:
    await sync(database, member("ann"))
    with pytest.raises(type(error)):
        await sync_directory(database, Told(error=error), (OPS, ALL), asked_by="test")
    assert (await person(database, "ann")).grants == (VIEWER,)
    async with database.connect() as conn:
        last = await last_run(conn)
    assert last is not None and last.state == "failed" and "canary" not in last.detail


async def test_one_tick_is_run_once_and_syncs_at_once_agree(database: Database) -> None:
    tick, told = datetime(2026, 11, 24, 12, tzinfo=UTC), Told([member("ann"), member("bob")])
    one = partial(sync_directory, database, told, (OPS, ALL), asked_by="clock", tick=tick)
    done = await asyncio.gather(*(one() for _ in range(5)))
    assert sum(report is not None for report in done) == 1
    await asyncio.gather(*(sync(database, member("ann"), member("bob"), member(f"p{n}")) for n in range(2)))
    assert (await person(database, "ann")).grants == (VIEWER,)
    async with database.connect() as conn:
        assert (await audit.verify(conn)).bad is None
