"""The way of a message: who may, what is too much, what is recorded, and that nothing is ever raised."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.handlers.asking import Ask
from bot.messages import Message, Upload
from bot.people import Principal, principal
from bot.pipeline import Pipeline
from bot.replies import Reply, from_json, to_json
from intents.readings import Reading
from intents.registry import Intent
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.people import Grant, add_person, grant, set_active
from storage.scopes import EVERYTHING
from tests.bot.world import CATALOGUE, NOW, World, build, heading, shown, table
from tests.bot.world_base import PCD, project_id
from tests.conftest import TEMPLATE, execute, url_of

INTENTS = tuple(CATALOGUE.intents.values())


@pytest.fixture(scope="module")
async def world(_server: Database, postgres: EmbeddedServer) -> AsyncIterator[World]:
    await execute(_server, f"CREATE DATABASE small_world_of_messages TEMPLATE {TEMPLATE} STRATEGY file_copy")
    database = Database(url_of(postgres.url, "small_world_of_messages"))
    yield await build(database)
    await database.close()
    await execute(_server, "DROP DATABASE IF EXISTS small_world_of_messages WITH (FORCE)")


@pytest.mark.parametrize("intent", INTENTS, ids=lambda intent: intent.name)
async def test_every_intent_is_denied_without_a_grant(world: World, intent: Intent) -> None:
    """By the pipeline, whatever the matcher makes of words: the reading is given."""
    async with world.database.begin() as conn:
        for who in (await principal(conn, "nobody"), Principal("x", "X", frozenset({"janitor"}), EVERYTHING)):
            assert who is not None
            reading = Reading("said", intent.name, confidence=1.0)
            ask = Ask(conn, who, "c", reading, NOW, CATALOGUE, frozenset(CATALOGUE.intents))
            reply = await world.pipeline._reply(ask, reading)
            assert reply.outcome == "not_allowed" and intent.does in shown(reply)


@pytest.mark.parametrize("said", [example for intent in INTENTS for example in intent.examples[:1]])
async def test_nothing_said_is_answered_without_a_grant(world: World, said: str) -> None:
    for reply in await world.ask_all(said, "nobody"):
        assert reply.outcome in ("not_allowed", "not_understood"), shown(reply)


@pytest.mark.parametrize("by", ["gone", "a stranger", "", "ROOT", "root ", "'; DROP TABLE person; --", "x" * 5000])
async def test_whom_we_do_not_know_gets_nothing(world: World, by: str) -> None:
    (reply,) = await world.ask_all("how many vms", by)
    assert reply.outcome == "not_allowed" and "17 VMs" not in shown(reply)


async def test_a_right_that_is_taken_away_counts_at_once(database: Database) -> None:
    world = await build(database)
    assert (await world.ask("how many vms", "vic")).outcome == "answered"
    async with database.begin() as conn:
        await set_active(conn, "vic", False)
    assert (await world.ask("how many vms", "vic")).outcome == "not_allowed"
    async with database.begin() as conn:
        await set_active(conn, "vic", True)
    assert (await world.ask("how many vms", "vic")).outcome == "answered"


async def test_an_administrator_of_one_project_is_none_of_everything(database: Database) -> None:
    world = await build(database)
    async with database.begin() as conn:
        await add_person(conn, "pam", "Pam")
        await grant(conn, "pam", Grant("superadmin", PCD, project_id("acme-prod")), "test")
        await add_person(conn, "max", "Max")
        await grant(conn, "max", Grant("viewer"), "test")
        await grant(conn, "max", Grant("admin", PCD, project_id("acme-prod")), "test")
    await world.ask("show gx-web-01", "gus")
    for by in ("pam", "max"):
        record = await world.ask("show the audit log", by)
        assert record.outcome == "answered" and "gx-web-01" not in shown(record) and "gus" not in shown(record)
    assert "gx-web-01" in shown(await world.ask("show the audit log", "root"))
    synced = await world.ask("sync the inventory now", "pam")
    assert "pcd-1" in heading(synced) and "lab-2" not in shown(synced)


async def test_each_message_is_in_the_audit_record_without_its_words(world: World) -> None:
    await world.ask("show web-01 my password is hunter2", "vic", where="audited")
    await world.ask("how many vms in acme-prod", "vic", where="audited")
    async with world.database.connect() as conn:
        query = "SELECT * FROM audit WHERE detail ->> 'conversation' = 'audited' ORDER BY id"
        rows = [dict(row) for row in (await conn.execute(text(query))).mappings()]
    assert len(rows) == 2 and all(row["person"] == "vic" and row["at"] == NOW for row in rows)
    assert (rows[1]["action"], rows[1]["target"], rows[1]["outcome"]) == ("count", "acme-prod", "answered")
    assert "hunter2" not in str([row["detail"] for row in rows])


_ODD = {
    "nothing": "",
    "spaces": " \t\n\r   ",
    "one letter": "a",
    "NULs": "\0\0\0",
    "NUL inside": "show web\0-01",
    "emoji": "💥" * 1000,
    "4,000": "how many vms " + "x" * 3987,
    "4,000 words": "vm " * 1333,
    "4,000 quotes": '"' * 4000,
    "4,000 brackets": "(" * 4000,
    "surrogates": "show \ud800\udfff",
    "marks": "show \u202e\u2066web-01\u200b",
    "combining": "a" + "\u0301" * 3000,
    "digits": "9" * 4000,
    "a huge number": f"do {'9' * 400} vms with 8 vcpu and 64 gb fit?",
    "a huge size": "do 3 vms with 8 vcpu and 99999999999999999999999 gb fit?",
    "no vms": "do 0 vms with 0 vcpu and 0 gb fit?",
    "less than none": "do -5 vms with -8 vcpu and -64 gb fit?",
    "a huge limit": "99999999999999999999 largest volumes",
    "none of them": "0 largest volumes",
    "a huge port": "who has port 99999999999999999999999 open to the world",
    "a far year": "what changed since 99999-01-01",
    "long ago": "what changed since 0001-01-01",
    "drop": "'; DROP TABLE resource; --",
    "or": "show web-01' OR '1'='1",
    "union": "list vms in acme-prod UNION SELECT * FROM person",
    "wildcards": "find %_%",
    "a template": "show {{7*7}} ${jndi:ldap://x} $(reboot)",
    "json": '{"intent": "role_grant", "slots": {"user": "vic"}}',
    "a mark of nothing": "show vm web-01 #",
    "many marks": "show " + "x #a/b " * 500,
    "path": "show ../../etc/passwd",
}


@pytest.mark.parametrize("said", _ODD.values(), ids=_ODD.keys())
async def test_odd_messages_get_a_reply(world: World, said: str) -> None:
    replies = await world.ask_all(said)
    assert replies
    for reply in replies:
        told = shown(reply)
        assert "Something failed on our side" not in told, told
        assert "Traceback" not in told and "psycopg" not in told and told.strip()
        assert from_json(to_json(reply)).outcome == reply.outcome
    assert (await world.ask("how many vms")).outcome == "answered"


@pytest.mark.parametrize("length", [4001, 10_000, 1_000_000])
async def test_what_is_too_long_is_refused_and_not_kept(world: World, length: int) -> None:
    (reply,) = await world.ask_all("x" * length, where="too long")
    assert reply.outcome == "not_understood" and f"{length:,} characters; I read at most 4,000" in shown(reply)
    assert len(shown(reply)) < 300
    assert list(await world.pipeline.recent("too long", "root", 5)) == []


async def test_random_messages_get_a_reply(world: World) -> None:
    chance = random.Random(20)
    plain = "vms list how many in acme-prod web-01 off per top export since 10 not 10.20.0.11 largest of quota and"
    words = [*plain.split(), "'", '"', "%", "\\", "#", "?", "💥", "\u202e", "yesterday", "5 gb"]
    for _ in range(60):
        said = " ".join(chance.choices(words, k=chance.randint(1, 12)))
        for reply in await world.ask_all(said):
            assert "Something failed on our side" not in shown(reply), said


async def test_a_file_that_nobody_reads_is_said(world: World) -> None:
    upload = Upload("=cmd()|<!channel>.pdf", b"PK")
    replies = await world.pipeline.answer(Message("m", "root", "uploads", "how many vms", NOW, (upload,)))
    assert [reply.outcome for reply in replies] == ["answered", "failed"]
    assert "cannot read such files" in shown(replies[1])


async def test_many_at_once_all_get_their_own_answer(world: World) -> None:
    asked = ["how many vms", "list hosts", "show web-01", "vms per project"] * 5
    replies = await asyncio.gather(*(world.ask(said, where=f"at once {at}") for at, said in enumerate(asked)))
    assert [reply.outcome for reply in replies] == ["answered"] * 20
    assert len({shown(reply) for reply in replies}) == 4


async def test_a_database_that_goes_and_comes_back(_server: Database, database_url: str) -> None:
    database = Database(database_url)
    world = await build(database)
    name = database_url.rsplit("/", 1)[1].split("?")[0]
    await execute(_server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false", _away(name))
    reply = await world.ask("how many vms", where="cut")
    assert reply.outcome == "failed" and "17 VMs" not in shown(reply) and "Traceback" not in shown(reply)
    await execute(_server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert heading(await world.ask("how many vms", where="cut")) == "17 VMs"
    await database.close()


def _away(name: str) -> str:
    return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"


async def test_a_database_that_goes_in_the_middle_of_an_answer(_server: Database, database_url: str) -> None:
    """Every connection is cut after the question was understood and before the answer is read."""
    database = Database(database_url)
    world = await build(database)
    name = database_url.rsplit("/", 1)[1].split("?")[0]
    cut = _Cut(world.pipeline, _server, _away(name))
    broken = await cut.answer("how many vms")
    assert broken.outcome == "failed" and "17 VMs" not in shown(broken)
    assert heading(await world.ask("how many vms")) == "17 VMs"
    async with database.connect() as conn:
        kept = await conn.scalar(text("SELECT count(*) FROM exchange WHERE conversation = 'cut off'"))
    assert kept == 0  # nothing of the broken one was half kept
    await database.close()


class _Cut:
    """A pipeline whose connections are cut just before a handler reads."""

    def __init__(self, pipeline: Pipeline, server: Database, statement: str) -> None:
        self._pipeline, self._server, self._statement = pipeline, server, statement

    async def answer(self, said: str) -> Reply:
        original = self._pipeline._again

        async def cut_then(ask: Ask, reading: Reading) -> Reply:
            await execute(self._server, self._statement)
            return await original(ask, reading)

        self._pipeline._again = cut_then  # type: ignore[method-assign]
        try:
            return (await self._pipeline.answer(Message("m", "root", "cut off", said, NOW)))[0]
        finally:
            self._pipeline._again = original  # type: ignore[method-assign]


async def test_old_data_are_said_to_be_old(world: World) -> None:
    """The syncs have stopped: nothing failed, and still the age is a warning."""
    later = Pipeline(world.database, catalogue=CATALOGUE, clock=lambda: NOW + timedelta(hours=4))
    old = replace(world, pipeline=later, now=NOW + timedelta(hours=4))
    reply = await old.ask("how many vms")
    told = shown(reply, old.now)
    assert "No sync has finished since 2026-11-24 11:40 UTC" in told and "4 h 20 min old" in told


async def test_before_the_first_sync_nothing_is_said_to_be_zero(database: Database) -> None:
    empty = World(database, Pipeline(database, catalogue=CATALOGUE, clock=lambda: NOW), ())
    for said in (
        "how many vms",
        "list vms",
        "platform overview",
        "how much ram is free",
        "which projects are near their quota",
    ):
        reply = await empty.ask(said, "local")
        assert reply.outcome == "failed" and "nothing in the inventory yet" in shown(reply), said


async def test_sync_is_asked_for_once(database: Database) -> None:
    world = await build(database)
    first, second = await world.ask("sync the inventory now"), await world.ask("sync the inventory now")
    assert heading(first) == "A sync of lab-2, pcd-1 is asked for."
    assert heading(second) == "A sync is waiting already."
    async with database.connect() as conn:
        waiting = (
            await conn.execute(text("SELECT source, asked_by, id FROM sync_run WHERE state = 'waiting' ORDER BY 1"))
        ).all()
    assert first.follows == second.follows == tuple(f"sync/{id_}" for id_ in sorted(row.id for row in waiting))
    assert [tuple(row)[:2] for row in waiting] == [("lab-2", "root"), ("pcd-1", "root")]
    assert "2 sync run(s) wait for a worker" in shown(await world.ask("when was the last sync"))


async def test_a_follow_up_of_long_ago_is_none(world: World) -> None:
    await world.ask("list error vms", where="slow", at=NOW - timedelta(hours=2))
    assert (await world.ask("export that as csv", where="slow")).outcome == "incomplete"
    await world.ask("list error vms", where="slow", at=NOW - timedelta(minutes=5))
    assert (await world.ask("export that as csv", where="slow")).outcome == "answered"


async def test_a_list_never_loses_a_row_silently(database: Database) -> None:
    """Rows beyond those shown are counted, and come with the file."""
    world = await build(database)
    async with database.begin() as conn:
        await conn.execute(text(
            "INSERT INTO resource (source, platform, kind, external_id, name, attrs, first_seen, changed_at, last_seen)"
            " SELECT 'pcd-1', 'openstack', 'keypair', 'k' || n, 'key-' || n, '{}', now(), now(), now()"
            " FROM generate_series(1, 120) n"))  # fmt: skip
    reply = await world.ask("list keypairs", where="many")
    assert heading(reply) == "121 keypairs" and len(table(reply).rows) == 50 and table(reply).total == 121
    assert "71 more of 121" in shown(reply)
    assert "121 of 121 rows" in heading(await world.ask("export that as csv", where="many"))
