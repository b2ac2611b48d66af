"""Restores from volume backups in sentences: the points, the wish, the same minute twice, a cloud that has none."""

from collections.abc import Awaitable, Callable

import pytest

from bot.messages import Message
from bot.pipeline import Pipeline
from bot.replies import Fields, Reply
from storage.database import Database
from storage.people import Grant, add_person, grant
from tests.bot.world import CATALOGUE, heading, shown, table
from tests.engines.restore.places import NOW, ON, backed_place, listed, small_place, store
from tests.engines.restore.small_cloud import T0
from tests.storage.listed import write

Say = Callable[..., Awaitable[Reply]]


@pytest.fixture
async def say(database: Database) -> Say:
    async with database.begin() as conn:
        for person, right in {"root": Grant("superadmin"), "gus": Grant("technical", "one", "pb")}.items():
            await add_person(conn, person, person.capitalize())
            await grant(conn, person, right, "test")
    pipeline = Pipeline(database, catalogue=CATALOGUE, clock=lambda: NOW, house=ON)
    numbers = iter(range(1000))

    async def ask(said: str, by: str = "root") -> Reply:
        number = next(numbers)
        return (await pipeline.answer(Message(f"m{number}", by, f"c{number}", said, NOW)))[0]

    return ask


def fields(reply: Reply) -> dict[str, str]:
    return dict(next(part for part in reply.parts if isinstance(part, Fields)).pairs)


async def test_points_show_backups_and_each_opens_its_own(database: Database, say: Say) -> None:
    """A set of snapshots and one of backups show the same minute: each is opened by what is in it."""
    cloud = small_place()
    cloud.state.backups = backed_place().state.backups
    await store(database, cloud)
    reply = await say("restore points of db-02")
    assert heading(reply).startswith("db-02 has 3 restore points, 3 complete, 2 with volume backups; the newest")
    assert [row[1] for row in table(reply).rows] == ["snapshots", "volume backups", "volume backups"]
    assert table(reply).rows[1][2] == "complete (3 of 3 volumes, volume backups)"
    for line, said in zip(table(reply).rows, table(reply).opens, strict=True):
        opened = await say(said)
        assert opened.intent == "restore_plan" and str(line[2]) in fields(opened)["from"], said


@pytest.mark.parametrize("said", ["from the backup of yesterday", "from yesterday's backup", "from v-root-b0-incr"])
async def test_a_backup_is_asked_for(database: Database, say: Say, said: str) -> None:
    cloud = small_place()
    cloud.state.backups = backed_place().state.backups
    await store(database, cloud)
    reply = await say(f"plan a restore of db-02 {said}")
    assert "2026-11-21 02:01 UTC" in fields(reply)["from"] and "volume backups" in fields(reply)["from"]
    plain = await say("plan a restore of db-02 from yesterday")
    assert "volume backups" not in fields(plain)["from"]


async def test_who_may_not_see_the_vm_sees_no_backup_of_it(database: Database, say: Say) -> None:
    await store(database, backed_place())
    for said in ("restore points of db-02", "list volume backups", "show volume backup v-root-b0-incr"):
        told = shown(await say(said, "gus"))
        assert "b0-incr" not in told or "I know no object" in told, said
    assert "v-root-b0-incr" in shown(await say("list volume backups"))


async def test_a_cloud_without_backups_is_no_warning_where_others_are_asked_for(database: Database, say: Say) -> None:
    rows = listed(small_place())
    for kind, found in rows.items():
        if kind == "volume_backup":
            await write(database, kind, [], at=T0, complete=False, failed="unsupported")
        else:
            await write(database, kind, found, at=T0)
    points, backups = await say("restore points of db-02"), await say("list volume backups")
    assert points.freshness is not None and points.freshness.old == ()
    assert backups.freshness is not None and "does not offer it" in backups.freshness.old[0]


async def test_a_deleted_volume_is_offered_and_planned_by_its_name(database: Database, say: Say) -> None:
    cloud = backed_place()
    await store(database, cloud)
    cloud.state.servers["vm-db"].volumes.remove(("v-log", False))
    del cloud.state.volumes["v-log"]
    await store(database, cloud, 1)
    assert "only the volume db-log of db-02 from backup" in shown(await say("restore points of db-02"))
    reply = await say("plan a restore of only the volume db-log of db-02 from backup")
    assert heading(reply).startswith("Attach a volume of 2026-11-21 02:01 UTC to db-02")
