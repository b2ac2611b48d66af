"""Two customers in one database: for every read intent of the registry, nothing of the other one comes out.

Asked are the examples of the catalogue, the same with the other customer's names in them, and the same about its
project, VM and domain; by a person who is bound to a domain, and by one who may see everything in a
channel that is bound to it. Each sentence has a twin with nonsense in place of the foreign name: both must be answered
alike.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from bot.messages import Channel, Message
from bot.replies import File, Reply, Table
from intents.registry import Intent
from storage import channels, people
from storage.channels import Binding
from storage.people import Grant
from storage.scopes import Place
from tests.bot.handlers.test_leaks import _without, foreign_in, texts_of
from tests.bot.world import CATALOGUE, NOW, World, heading, resources, shown
from tests.bot.world_base import LAB, PCD, mac, project_id, uid

READS = tuple(intent for intent in CATALOGUE.intents.values() if not intent.writes)
# The other customer's names, and nonsense of the same shape.
FOREIGN = {
    "globex-prod": "glabex-prod", "gx-web-01": "gk-web-01", "gx-db-01": "gk-db-01", "gx-data": "gk-data",
    "globex-net": "glabex-net", "globex": "glabex", "gxhank": "gkhank", "gxtag": "gktag", "gx-open": "gk-open",
    "10.66.0.11": "10.67.0.11", mac("10.66.0.11"): mac("10.67.0.11"), uid("vm globex-prod gx-web-01"): uid("nothing"),
}  # fmt: skip
# Names that the catalogue's examples use -> the other customer's.
IN_EXAMPLES = {
    "acme-prod": "globex-prod", "acme-dev": "globex-prod", "web-01": "gx-web-01", "db-02": "gx-db-01",
    "pg-data-02": "gx-data", "10.20.0.15": "10.66.0.11", "svc-backup": "gxhank", "bob": "gxhank",
    "jenkins": "gx-web-01",
    "erp-db": "gx-db-01",
}  # fmt: skip
ABOUT = ("{} in globex-prod", "{} of gx-web-01", "{} in domain globex")
_FILES = 2  # for each intent and asker
_WORD = re.compile("|".join(sorted(map(re.escape, FOREIGN), key=len, reverse=True)), re.IGNORECASE)
_EXAMPLE = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, IN_EXAMPLES))})(?![\w-])")


def sentences(intent: Intent) -> Iterator[str]:
    """The examples; with foreign names in place of theirs; and about foreign things."""
    for example in intent.examples:
        yield example
        swapped = _EXAMPLE.sub(lambda found: IN_EXAMPLES[found[0]], example)
        if swapped != example:
            yield swapped
    plain = intent.examples[0].rstrip("?")
    yield from (about.format(plain) for about in ABOUT)


def twin(said: str) -> str:
    return _WORD.sub(lambda found: FOREIGN[found[0].lower()], said)


@dataclass(frozen=True)
class Asker:
    person: str
    channel: Channel | None

    async def ask(self, world: World, said: str, where: str = "") -> list[Reply]:
        number = next(world.numbers)
        message = Message(f"m{number}", self.person, where or f"apart {number}", said, NOW, channel=self.channel)
        return list(await world.pipeline.answer(message))


async def newcomer(world: World, kind: str, name: str) -> Asker:
    """Somebody who has said nothing yet: bound to acme's domain, or to nothing in a channel that is bound to it."""
    acme = uid("domain acme")
    person = f"{kind}-{name}"
    async with world.database.begin() as conn:
        assert await people.add_person(conn, person, person)
        if kind == "domain":
            for source in (PCD, LAB):
                await people.grant(conn, person, Grant("operator", source, domain_id=acme), "test")
            return Asker(person, None)
        await people.grant(conn, person, Grant("superadmin"), "test")
        for source in (PCD, LAB):
            await channels.bind(conn, Binding("chat", "C-acme", Place(source, acme)), "test")
    return Asker(person, Channel("chat", "C-acme", "guests"))


@pytest.mark.parametrize("kind", ["domain", "channel"])
@pytest.mark.parametrize("intent", READS, ids=lambda intent: intent.name)
async def test_nothing_of_the_other_customer_comes_out(world: World, intent: Intent, kind: str) -> None:
    asker = await newcomer(world, kind, intent.name)
    leaks, differences, said_so_far, filed = [], [], "", 0
    for said in sentences(intent):
        said_so_far += f" {said}"  # the audit record shows people their own words
        mine, theirs = await asker.ask(world, said), await asker.ask(world, twin(said))
        leaks += [(said, found) for reply in mine for found in foreign_in(reply, said_so_far)]
        if intent.name not in ("audit", "audit_verify", "status"):  # they count what was asked meanwhile
            left, right = ([twin(_without(reply, "\0")) for reply in replies] for replies in (mine, theirs))
            differences += [(said, left, right)] if left != right else []
        if filed < _FILES and any(isinstance(part, Table) for reply in mine for part in reply.parts):
            filed += 1
            leaks += [(said, found) async for found in in_files(world, asker, said)]
    assert leaks == [] and differences == []


async def in_files(world: World, asker: Asker, said: str) -> AsyncIterator[str]:
    """What of the other customer stands in a file of the answer."""
    where = f"file {next(world.numbers)}"
    await asker.ask(world, said, where)
    for reply in await asker.ask(world, "export that as csv", where):
        for file in (part for part in reply.parts if isinstance(part, File)):
            stored = await world.pipeline.stored(file.id, asker.person)
            assert stored is not None
            text = _own_words("\n".join([file.name, *texts_of(stored)]), said)
            for found in _WORD.findall(text):
                yield found


def _own_words(text: str, said: str) -> str:
    for word in sorted(re.split(r"[\s\"?]+", said), key=len, reverse=True):
        text = text.replace(word, "·") if len(word) > 2 else text
    return text


async def test_the_sentences_would_show_it_to_those_who_may(world: World) -> None:
    """Otherwise the test above would prove nothing."""
    told = set()
    for intent in READS:
        for said in sentences(intent):
            replies = await world.ask_all(said, "root")
            if any(foreign_in(reply, said) for reply in replies):
                told.add(intent.name)
    assert {"count", "list", "show", "find", "owner", "per", "top", "quota", "open_rules", "roles", "changes",
            "deleted", "quota_near", "audit"} - told == set()  # fmt: skip


@pytest.mark.parametrize("kind", ["domain", "channel"])
async def test_counts_are_of_the_own_alone(world: World, kind: str) -> None:
    asker = await newcomer(world, kind, "counting")
    mine = {project_id(name) for name in ("acme-prod", "acme-dev", "acme-lab")}
    for noun, single in (("vms", "vm"), ("volumes", "volume"), ("security groups", "security_group")):
        expected = sum(one.kind == single and one.project_id in mine for one in resources(world))
        (reply,) = await asker.ask(world, f"how many {noun}")
        assert heading(reply).startswith(f"{expected} "), shown(reply)


def test_each_foreign_name_is_there_and_its_twin_is_not(world: World) -> None:
    there = "\n".join(repr(one) for one in resources(world))
    assert [name for name in FOREIGN if name not in there] == []
    assert [name for name in FOREIGN.values() if name in there] == []
