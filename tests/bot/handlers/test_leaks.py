"""Whoever is bound to projects of acme never learns anything of globex: in no answer, count, suggestion or file."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator

import openpyxl  # type: ignore[import-untyped]
import pytest

from bot.replies import File, Reply, to_json
from engines.inventory.collect import sync_source
from engines.inventory.kinds import KINDS
from storage.database import Database
from tests.bot.world import CATALOGUE, NOW, World, build, resources, said_by, shown
from tests.bot.world_base import PCD, mac, own, project_id, uid

_FOREIGN = re.compile(r"gx|globex|10\.66\.|198\.51\.100\.66|0a:42:00", re.IGNORECASE)
_WEB, _PROJECT = uid("vm globex-prod gx-web-01"), project_id("globex-prod")
# What is asked for, and nonsense of the same shape.
_TERMS = {
    "gx-web-01": "gk-web-01",
    "globex-prod": "glabex-prod",
    "globex": "glabex",
    "gxhank": "gkhank",
    "gxtag": "gktag",
    "gx-data": "gk-data",
    "10.66.0.11": "10.67.0.11",
    mac("10.66.0.11"): mac("10.67.0.11"),
    _WEB: uid("nothing"),
}
_MORE_TERMS = _TERMS | {
    "globex-net": "glabex-net",
    "gx-open": "gk-open",
    "gx-edge": "gk-edge",
    "gx-golden": "gk-golden",
    "gx-nightly": "gk-nightly",
    "gx-gone": "gk-gone",
    "gx-staff": "gk-staff",
    "gx": "gk",
    "lobex": "hobex",
    "10.66.0": "10.67.0",
    "10.66.0.0/24": "10.67.0.0/24",
    "198.51.100.66": "198.51.100.67",
    _WEB[:13]: uid("nothing")[:13],
    _PROJECT: uid("no project").replace("-", ""),
}
_SEARCHES = ("show {}", "find {}", "search for {}", "who has {}?", "{}")
_SENTENCES = (
    "show vm {}", "show project {}", "details of volume {}", 'find "{}"', "who owns {}", "list vms in {}", "{}?",
    "how many vms in {}", "list volumes of {}", "vms tagged {}", "vms owned by {}", "list vms on network {}",
    "quota for {}", "history of {}", "what changed in {} since monday", "what changed on {}", "deleted vms in {}",
    "what roles does {} have", "who is member in {}", "open security groups in {}", "top 5 vms by memory in {}",
    "overview of {}", "export all vms of {} as csv", "list snapshots of vm {}", "vms in domain {}", "list ports on {}",
    "snapshots of volume {}", "which vms use image {}", "is {} ok", "what did {} do yesterday", "help {}",
    f"show vm web-01 #{_WEB}", f"list vms in project acme-prod #{PCD}/{_PROJECT}",
)  # fmt: skip


def told(reply: Reply) -> str:
    """All that leaves: as text, as data, and what buttons say. Ids of files are chance, and may spell anything."""
    data = to_json(reply)
    data["parts"] = [part | {"id": ""} for part in data["parts"]]
    return "\n".join((shown(reply), json.dumps(data, ensure_ascii=False, default=str), *said_by(reply)))


def foreign_in(reply: Reply, asked: str) -> list[str]:
    """What of globex stands in a reply, apart from what was asked for."""
    words = sorted({asked, *re.split(r"[\s\"?#]+", asked)}, key=len, reverse=True)
    text = told(reply)
    for word in words:
        text = re.sub(re.escape(word), "·", text, flags=re.IGNORECASE) if len(word) > 1 else text
    return sorted(set(_FOREIGN.findall(text)) | {i for i in _foreign_ids() if i in text})


def _foreign_ids() -> set[str]:
    names = ("vm gx-web-01", "vm gx-db-01", "volume gx-data", "network globex-net", "security_group gx-open")
    return {uid(f"{n.split()[0]} globex-prod {n.split()[1]}") for n in names} | {_PROJECT, project_id("globex-lab")}


def test_the_nonsense_is_not_in_the_world_and_the_foreign_is(world: World) -> None:
    there = {one.name for one in resources(world)} | {one.external_id for one in resources(world)}
    assert {"gx-web-01", "globex-prod", _WEB, _PROJECT, "gx-data", "globex-net"} <= there
    assert there.isdisjoint(_MORE_TERMS.values())


async def test_those_who_may_see_globex_do(world: World) -> None:
    """Otherwise the tests below would prove nothing."""
    assert _FOREIGN.search(shown(await world.ask("list vms", "gus")))
    assert "10.66.0.11" in shown(await world.ask("show gx-web-01", "gus"))
    assert "globex-prod" in shown(await world.ask("vms per project", "vic"))


@pytest.mark.parametrize("sentence", _SEARCHES + _SENTENCES)
async def test_foreign_names_are_answered_like_nonsense(world: World, sentence: str) -> None:
    leaks, differences = [], []
    for term, nonsense in (_MORE_TERMS if sentence in _SEARCHES else _TERMS).items():
        asked, control = sentence.format(term), sentence.format(nonsense)
        for mine, theirs in zip(await world.ask_all(asked, "ann"), await world.ask_all(control, "ann"), strict=True):
            leaks += [(asked, found) for found in foreign_in(mine, asked)]
            if _without(mine, term) != _without(theirs, nonsense):
                differences.append((asked, shown(mine), control, shown(theirs)))
    assert leaks == [] and differences == []


def _without(reply: Reply, term: str) -> str:
    """A reply as data, without the term and the ids of files."""
    data = to_json(reply)
    data["parts"] = [part | {"id": ""} for part in data["parts"]]
    return re.sub(re.escape(term), "·", json.dumps(data, ensure_ascii=False, default=str), flags=re.IGNORECASE)


def _questions() -> Iterator[str]:
    for intent in CATALOGUE.intents.values():
        if not intent.writes:
            yield from intent.examples
    for kind in KINDS.values():
        yield from (
            f"list {kind.plural}",
            f"how many {kind.plural}",
            f"{kind.plural} per project",
            f"{kind.plural} per domain",
        )
        yield f"largest {kind.plural}"
        yield from (f"list {state} {kind.plural}" for state in kind.states)
        yield from (f"what {kind.plural} changed this week", f"which {kind.plural} were deleted this week")
    for by in (
        "host",
        "network",
        "flavor",
        "image",
        "user",
        "owner",
        "os",
        "platform",
        "state",
        "vm",
        "security group",
    ):
        yield from (f"vms per {by}", f"ports per {by}", f"top vms by memory per {by}")
    yield from (
        "platform overview",
        "who is member",
        "who is reader",
        "list changes of the last week",
        "status",
        "freshness",
    )


@pytest.mark.parametrize("block", range(2))
async def test_no_answer_tells_of_others(world: World, block: int) -> None:
    leaks: list[tuple[str, str]] = []
    for number, asked in enumerate(dict.fromkeys(_questions())):
        if number % 2 == block:
            for reply in await world.ask_all(asked, "ann"):
                leaks += [(asked, found) for found in foreign_in(reply, "")]
    assert leaks == []


@pytest.mark.parametrize("form", ["csv", "xlsx", "json"])
async def test_no_file_tells_of_others(world: World, form: str) -> None:
    leaks, files = [], 0
    for kind in KINDS.values():
        where = f"files {form} {kind.name}"
        await world.ask(f"list {kind.plural}", "ann", where=where)
        reply = await world.ask(f"export that as {form}", "ann", where=where)
        for file in (part for part in reply.parts if isinstance(part, File)):
            stored = await world.pipeline.stored(file.id, "ann")
            assert stored is not None
            files += 1
            text = file.name + "\n" + "\n".join(texts_of(stored))
            leaks += [(kind.name, found) for found in set(_FOREIGN.findall(text))]
    assert leaks == [] and files >= 10


def texts_of(file: File) -> Iterable[str]:
    """Every cell of a file."""
    if file.name.endswith(".json"):
        return [file.content.decode()]
    if file.name.endswith(".csv"):
        return [cell for row in csv.reader(io.StringIO(file.content.decode("utf-8-sig"))) for cell in row]
    book = openpyxl.load_workbook(io.BytesIO(file.content))
    return [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


async def test_files_and_conversations_are_their_askers_alone(world: World) -> None:
    await world.ask("list vms", "gus", where="shared room")
    exported = await world.ask("export that as csv", "gus", where="shared room")
    file = next(part for part in exported.parts if isinstance(part, File))
    assert await world.pipeline.stored(file.id, "ann") is None
    assert (await world.pipeline.stored(file.id, "gus")) is not None
    for said in ("export that as csv", "why?", "that was wrong", "and the ones that are off", "the second one"):
        reply = await world.ask(said, "ann", where="shared room")
        assert foreign_in(reply, "") == [] and not any(isinstance(part, File) for part in reply.parts)
    assert all(
        _FOREIGN.search(told(r)) is None
        for e in await world.pipeline.recent("shared room", "ann", 50)
        for r in e.replies
    )


async def test_what_others_offer_to_all_does_not_tell_whose_it_is(database: Database) -> None:
    world = await build(database)
    cloud = world.clouds[0]
    cloud.rows["image"] = [
        *cloud.rows["image"],
        own("image", "for-all", "globex-prod", state="available", visibility="public"),
    ]
    cloud.rows["network"] = [*cloud.rows["network"], own("network", "joint", "globex-prod", state="up", shared=True)]
    await sync_source(database, cloud, at=NOW)
    leaks = []
    for asked in ("list images", "images per project", "show image for-all", "list networks", "find joint"):
        reply = await world.ask(asked, "ann")
        assert reply.outcome == "answered", (asked, shown(reply))
        leaks += [(asked, found) for found in foreign_in(reply, "")]
    assert leaks == []
