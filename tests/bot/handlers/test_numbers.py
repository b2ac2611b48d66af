"""Numbers of different answers agree with each other."""

import itertools
import re
from collections import Counter

import pytest

from bot.people import principal
from bot.replies import Chart, Reply, Table
from engines.inventory.capacity import room
from engines.inventory.kinds import KINDS, Kind
from engines.inventory.quotas import near_limit
from storage import inventory
from storage.filters import Where
from storage.scopes import EVERYTHING
from tests.bot.world import World, column, heading, resources, shown, table

_PEOPLE = ("root", "ann", "gus")
_KINDS = [kind for kind in KINDS.values() if kind.name not in ("cluster", "datastore")]  # none in this world


def number(reply: Reply) -> int:
    """The first number of an answer; "No VMs …" is none."""
    words = heading(reply)
    found = re.search(r"\d[\d,]*", words)
    return 0 if words.startswith("No ") or found is None else int(found[0].replace(",", ""))


def total(reply: Reply) -> int:
    tables = [part for part in reply.parts if isinstance(part, Table)]
    return tables[0].total if tables else 0


@pytest.mark.parametrize("by", _PEOPLE)
@pytest.mark.parametrize("kind", _KINDS, ids=lambda kind: kind.name)
async def test_a_count_is_the_length_of_the_list(world: World, kind: Kind, by: str) -> None:
    counted = await world.ask(f"how many {kind.plural}", by)
    listed = await world.ask(f"show all {kind.plural}", by)
    assert (counted.outcome, listed.outcome) == ("answered", "answered")
    rows = [part for part in listed.parts if isinstance(part, Table)]
    assert number(counted) == number(listed) == total(listed) == (len(rows[0].rows) if rows else 0)
    if by == "root":
        living = [one for one in resources(world) if one.kind == kind.name]
        assert number(counted) == len(living) > 0


@pytest.mark.parametrize("by", _PEOPLE)
@pytest.mark.parametrize("kind", [k for k in _KINDS if k.states and k.name != "host"], ids=lambda kind: kind.name)
async def test_the_states_of_a_kind_add_up(world: World, kind: Kind, by: str) -> None:
    async with world.database.connect() as conn:
        who = await principal(conn, by)
        assert who is not None
        parts = [await inventory.count(conn, who.scope, Where(kind.name, states=(state,))) for state in kind.states]
        assert sum(parts) == await inventory.count(conn, who.scope, Where(kind.name))


@pytest.mark.parametrize("by", _PEOPLE)
async def test_a_count_by_state_says_of_how_many(world: World, by: str) -> None:
    found = table(await world.ask("vms per state", by))
    states = dict(zip(column(found, "by"), column(found, "count"), strict=True))
    everything = number(await world.ask("how many vms", by))
    for state in ("off", "error", "paused", "suspended", "building"):
        reply = await world.ask(f"how many vms are {state}", by)
        assert number(reply) == states.get(state, 0) and f" of {everything} VMs" in heading(reply)


@pytest.mark.parametrize("by", _PEOPLE)
@pytest.mark.parametrize(
    "thing", ["project", "domain", "host", "state", "os", "flavor", "platform", "image", "owner", "user"]
)
async def test_a_breakdown_adds_up_to_the_count(world: World, thing: str, by: str) -> None:
    reply = await world.ask(f"vms per {thing}", by)
    assert reply.intent == "per" and reply.slots["by"] == thing
    parts = column(table(reply), "count")
    assert sum(parts) == number(reply) == number(await world.ask("how many vms", by))
    assert sorted(parts, reverse=True) == parts
    assert abs(sum(column(table(reply), "share")) - 100) < 1
    bars = [bar for part in reply.parts if isinstance(part, Chart) for bar in part.bars]
    assert not bars or [bar.value for bar in bars] == parts[: len(bars)]


async def test_a_breakdown_by_project_agrees_with_each_projects_count(world: World) -> None:
    reply = await world.ask("vms per project")
    lines = dict(zip(column(table(reply), "by"), column(table(reply), "count"), strict=True))
    assert len(lines) == 5
    for project, many in lines.items():
        assert number(await world.ask(f"how many vms in {project}")) == many


@pytest.mark.parametrize("by", _PEOPLE)
@pytest.mark.parametrize(
    ("metric", "field", "kind"),
    [("memory", "memory_mib", "vm"), ("cpu", "vcpus", "vm"), ("storage", "size_gib", "volume")],
)
async def test_the_top_sums_are_the_sums_of_their_parts(
    world: World, metric: str, field: str, kind: str, by: str
) -> None:
    reply = await world.ask(f"top 50 projects by {metric}", by)
    sums = dict(zip(column(table(reply), "name"), column(table(reply), "value"), strict=True))
    rows = [one for one in resources(world) if one.kind == kind]
    names = {one.external_id: one.name for one in resources(world) if one.kind == "project"}
    wanted: Counter[str] = Counter()
    for one in rows:
        wanted[names[one.project_id or ""]] += one.attrs.get(field) or 0
    seen = {"root": set(names.values()), "ann": {"acme-prod", "acme-dev", "acme-lab"}, "gus": {"globex-prod"}}[by]
    assert sums == {name: value for name, value in wanted.items() if value and name in seen}


async def test_a_shorter_top_is_the_head_of_a_longer_one(world: World) -> None:
    long, short = await world.ask("top 5 projects by memory"), await world.ask("top 2 projects by memory")
    assert table(short).rows == table(long).rows[:2]
    assert heading(short).endswith("of 5") and heading(long).endswith("of 5")


async def test_near_quotas_are_those_that_the_projects_quota_says(world: World) -> None:
    near = table(await world.ask("which projects are near their quota"))
    told = set(zip(column(near, "project"), column(near, "what"), column(near, "share"), strict=True))
    one_by_one = set()
    for project in ("acme-prod", "acme-dev", "globex-prod"):
        mine = table(await world.ask(f"quota for {project}"))
        lines = zip(column(mine, "what"), column(mine, "share"), strict=True)
        one_by_one |= {(project, what, share) for what, share in lines if share is not None and share >= 80}
    assert told == one_by_one and len(told) == 4
    async with world.database.connect() as conn:
        rows = await inventory.rows(conn, EVERYTHING, Where("quota"))
    assert len(near_limit(rows)) == 4


async def test_capacity_is_the_sum_of_the_hosts(world: World) -> None:
    reply = await world.ask("free capacity")
    assert reply.intent == "capacity"
    async with world.database.connect() as conn:
        hosts = [room(one) for one in await inventory.rows(conn, EVERYTHING, Where("host"))]
    usable = [one for one in hosts if one.usable]
    free = sum((one.vcpus or 0) - one.vcpus_used for one in usable)
    assert f"{free} vCPU free of {sum(one.vcpus or 0 for one in usable)}" in heading(reply)
    by_host = table(reply, 1)
    takes = dict(zip(column(by_host, "name"), column(by_host, "vcpus_free"), strict=True))
    assert sum(takes[one.name] for one in usable) == free
    assert "compute-03, compute-04" in shown(reply) or "compute-04, compute-03" in shown(reply)


async def test_each_clusters_capacity_adds_up_to_everything(world: World) -> None:
    parts = [
        column(table(await world.ask(f"capacity of {name}")), "physical")[0]
        for name in ("cluster-a", "cluster-b", "lab")
    ]
    assert sum(int(part.replace(",", "")) for part in parts) == 5 * 32


async def test_the_overview_counts_as_count_does(world: World) -> None:
    for by in _PEOPLE:
        lines = table(await world.ask("platform overview", by))
        for plural, many in lines.rows:
            assert number(await world.ask(f"how many {plural}", by)) == many, plural


async def test_a_list_with_a_limit_says_of_how_many(world: World) -> None:
    reply = await world.ask("3 largest volumes")
    sizes = column(table(reply), "size_gib")
    assert sizes == [900, 500, 200] and "3 of 7" in heading(reply)
    every = column(table(await world.ask("largest volumes")), "size_gib")
    assert every[:3] == sizes and every == sorted(every, reverse=True) and len(every) == 7


@pytest.mark.parametrize(
    ("first", "second"),
    itertools.pairwise(["vms in acme-prod", "vms on compute-01", "vms tagged gold", "vms owned by alice"]),
)
async def test_a_narrower_question_has_no_more(world: World, first: str, second: str) -> None:
    everything = number(await world.ask("how many vms"))
    assert 0 < number(await world.ask(f"how many {first}")) < everything
    assert 0 < number(await world.ask(f"how many {second}")) < everything
