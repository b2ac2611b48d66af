"""Stackhand in a Slack workspace: what people do there, and what they get."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from storage.database import Database
from storage.people import link_account
from tests.bot.world import World, build
from tests.chat.bed import PEOPLE, TEAM, Bed, chatting, needs_bed, running_bed, texts

pytestmark = needs_bed


@pytest.fixture(scope="module")
def bed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    with running_bed(tmp_path_factory.mktemp("bed")) as bed:
        yield bed


@pytest.fixture
async def bed(bed_server: Bed) -> Bed:
    await bed_server.call("reset")
    return bed_server


@pytest.fixture
async def world(database: Database) -> World:
    return await build(database)


@pytest.fixture
async def linked(world: World) -> World:
    """Alice may see everything, bob one project, carol is not linked."""
    async with world.database.begin() as conn:
        await link_account(conn, "slack", f"{TEAM}/{PEOPLE['alice']}", "root")
        await link_account(conn, "slack", f"{TEAM}/{PEOPLE['bob']}", "ann")
    return world


@pytest.fixture(params=["http", "socket"])
async def slack(request: Any, bed: Bed, linked: World) -> AsyncIterator[Bed]:
    async with chatting(bed, linked.database, linked.pipeline, request.param):
        yield bed


async def test_a_mention_is_answered_in_its_thread(slack: Bed) -> None:
    said = await slack.say("alice", "@bot how many vms are there?")
    assert all(one["status"] == 200 for one in said["deliveries"])
    (answer,) = await slack.answers(1)
    assert answer["thread_ts"] == said["ts"] and "VM" in answer["text"]
