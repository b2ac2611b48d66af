"""Whoever holds a role on a place that a tenant goes to asks about that tenant in chat, and learns of no other."""

import io
import json
import zipfile
from collections.abc import AsyncIterator

import pytest

from bot.replies import File, Reply, Table
from engines.policy import is_of_the_whole_plan
from storage import migration_decisions as decisions
from storage import migration_waves
from storage.channels import Binding, bind
from storage.database import Database
from storage.migration_decisions import Mapped
from storage.people import Grant, add_person, grant
from storage.scopes import Place
from tests.bot.exports import DC1, export, vm
from tests.bot.handlers.test_migrations import NOW, Office, office_of
from tests.bot.world import CATALOGUE, said_by, shown, table

FINANCE = ("Finance", "fin-web-01", "fin-erp-db", "VLAN-120", "esx-fin")
LAB = ("Lab", "lab-box-01", "lab-old-01", "VLAN-130", "esx-lab")
BOTH = (("fern", FINANCE, LAB), ("lara", LAB, FINANCE))
EVERYTHING = ("RVTools_export", "Pilot", "pia")
READS = (
    "list migration projects", "summary of the dc1 migration", "migration vms of dc1", "red vms in dc1",
    "green ones in dc1 with linux", "which vms need cold migration", "how long will the dc1 migration take",
    "how long for dc1 with 10 gbit, 8 agents and 16 hours a day", "how many agents to be done with dc1 by 2026-12-24",
    "readiness of the dc1 migration", "migration gaps", "all waves of dc1", "show wave 1", "show wave 1 of dc1",
    "show wave 2 of dc1", "show cohort 1 of dc1", "which vms go in the pilot wave",
    "how many nodes do we need for dc1", "export the dc1 plan to excel", "export the dc1 plan as csv",
    "export the dc1 plan to json", "migration plan as pdf",
)  # fmt: skip
ABOUT_OTHERS = ("why is {vm} red", "explain the risk of {vm} in dc1", "migration vms of tenant {tenant} in dc1",
                "is tenant {tenant} ready to migrate", "show {vm}",
                "vms of tenant {tenant} in the migration")  # fmt: skip
WRITES = (
    "build 4 cohorts easiest first for dc1", "plan waves for dc1, pilot first", "exclude tenant {tenant} from dc1",
    "put {vm} on hold in the migration", "migrate {vm} cold", "network {network} goes to net-app",
    "map tenant {tenant} to project fin-prod", "{vm} depends on {vm2}", "confirm wave {wave} of dc1",
    "tick owners told for wave {wave}", "mark {vm} as cut over",
)  # fmt: skip


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    """fern holds a role on the project that Finance goes to, lara on the domain of Lab, gus where nothing goes."""
    office = await office_of(database)
    await office.drop(export(rows=[_on(row) for row in DC1]))
    for said in ("fin-web-01 depends on lab-box-01", "lab-old-01 depends on fin-erp-db",
                 "build 2 cohorts easiest first for dc1"):  # fmt: skip
        await office.say(said)
    held = {"fern": Grant("operator", source="pcd-1", project_id="p-fin"),
            "lara": Grant("admin", source="pcd-1", domain_id="d-lab"),
            "gus": Grant("operator", source="pcd-2", project_id="p-fin")}  # fmt: skip
    async with database.begin() as conn:
        for person, given in held.items():
            await add_person(conn, person, person.capitalize())
            await grant(conn, person, given, "test")
        for tenant, kind, id_ in (("Finance", "project", "p-fin"), ("Lab", "domain", "d-lab")):
            await decisions.map_to(conn, 1, Mapped("tenant", tenant, kind, id_, "pcd-1", id_, "pia", NOW))
    yield office


def _on(row: list[object]) -> list[object]:
    """On a host of its tenant's own."""
    host = "esx-fin" if str(row[0]).startswith("fin") else "esx-lab"
    return [host if cell == "esx1" else cell for cell in row]


def whole(reply: Reply) -> str:
    """All that goes out: words, cells, the sentences behind buttons and rows, and what is in files."""
    words = [shown(reply), *said_by(reply), reply.scope]
    for part in reply.parts:
        if isinstance(part, File):
            words += [part.name, _inside(part)]
        if isinstance(part, Table):
            words += [str(part.rows), *part.opens]
    return "\n".join(words)


def _inside(file: File) -> str:
    if not file.content.startswith(b"PK"):
        return file.content.decode()
    with zipfile.ZipFile(io.BytesIO(file.content)) as book:
        return "\n".join(book.read(name).decode(errors="replace") for name in book.namelist())


@pytest.mark.parametrize(("person", "own", "others"), BOTH)
async def test_every_answer_is_made_of_the_own_tenants(
    office: Office, person: str, own: tuple[str, ...], others: tuple[str, ...]
) -> None:
    replies = {said: await office.say(said, person) for said in READS}
    for said, reply in replies.items():
        text = whole(reply)
        assert not [word for word in (*others, *EVERYTHING) if word in text], (said, text)
    told = {said: whole(reply) for said, reply in replies.items()}
    assert "dc1: 2 VMs in 1 tenant" in told["summary of the dc1 migration"]
    assert table(replies["list migration projects"]).rows[0][:2] == ("dc1", 2)
    assert {row[0] for row in table(replies["migration vms of dc1"]).rows} == set(own[1:3])
    assert "2 VMs; from" in told["how long will the dc1 migration take"]
    assert [row[0] for row in table(replies["readiness of the dc1 migration"]).rows] == [own[0]]
    assert own[3] in told["readiness of the dc1 migration"] or own[3] in told["migration gaps"]
    seen = table(replies["all waves of dc1"])
    assert sum(row[3] for row in seen.rows) == 2 and replies["show wave 2 of dc1"].outcome in ("answered", "not_found")
    for said in seen.opens:
        text = whole(await office.say(said, person))
        assert any(name in text for name in own[1:3]) and not [word for word in others if word in text], text
    assert replies["how many nodes do we need for dc1"].outcome == "not_allowed"


async def test_files_hold_the_own_tenants_and_a_pdf_is_refused_with_its_reason(office: Office) -> None:
    person, own, others = BOTH[1]
    for form in ("xlsx", "csv", "json"):
        reply = await office.say(f"export the dc1 plan as {form}", person)
        (file,) = [part for part in reply.parts if isinstance(part, File)]
        inside = _inside(file)
        assert all(name in inside for name in own[:3]) and not [word for word in others if word in inside], inside
    found = json.loads(file.content)
    assert {one["tenant"] for one in found} == {own[0]} and all(one["wave"] for one in found if not one["left_out"])
    pdf = await office.say("export the dc1 plan as pdf", person)
    assert pdf.outcome == "not_allowed" and "made of all tenants" in shown(pdf)
    assert not [part for part in pdf.parts if isinstance(part, File)]
    await office.say("migration vms of dc1", person, where="room")
    again = await office.say("export that as csv", person, where="room")
    (listed,) = [part for part in again.parts if isinstance(part, File)]
    assert own[1].encode() in listed.content and not [word for word in others if word.encode() in listed.content]


async def test_who_names_others_learns_no_more_than_of_what_is_not_there(office: Office) -> None:
    for pattern, (person, _, others) in zip(ABOUT_OTHERS, BOTH * 3, strict=True):
        said = pattern.format(vm=others[1], tenant=others[0])
        nowhere = pattern.format(vm="no-such-vm", tenant="Nirgendwo")
        reply, other = await office.say(said, person), await office.say(nowhere, person)
        assert reply.outcome == other.outcome, (said, shown(reply), shown(other))
        text = shown(reply).replace(said, "")
        assert not [word for word in others if word in text and word not in said], (said, text)


async def test_nothing_is_changed_by_who_sees_a_part(office: Office) -> None:
    """They hold a role that changes things, on a place of theirs: a plan is everybody's in it."""
    before = await _state(office)
    waves = {person: table(await office.say("all waves of dc1", person)).rows[0][0] for person, *_ in BOTH}
    for pattern, (person, own, _) in zip(WRITES, BOTH * 6, strict=False):
        names = {"vm": own[1], "vm2": own[2], "tenant": own[0], "network": own[3], "wave": waves[person]}
        said = pattern.format(**names)
        reply = await office.say(said, person)
        assert reply.outcome == "not_allowed" and "see tenant" in shown(reply), (said, shown(reply))
        assert "whoever sent the export, or an admin" in shown(reply)
    assert await _state(office) == before
    assert (await office.say("build 2 cohorts easiest first for dc1", "root")).outcome == "answered"


async def _state(office: Office) -> object:
    async with office.database.connect() as conn:
        return (
            await migration_waves.places(conn, 1), await decisions.overrides(conn, 1),
            await decisions.mappings(conn, 1, "network"), await decisions.dependencies(conn, 1),
            await decisions.tenants_out(conn, 1),
        )  # fmt: skip


async def test_a_role_elsewhere_opens_nothing_and_a_lost_mapping_closes(office: Office) -> None:
    for said in ("summary of the dc1 migration", "list migration projects", "why is fin-erp-db red"):
        text = shown(await office.say(said, "gus"))
        assert not [word for word in (*FINANCE, *LAB, "dc1") if word in text and word not in said], text
    async with office.database.begin() as conn:
        await decisions.map_to(conn, 1, Mapped("tenant", "Finance", "", "elsewhere", "", "", "pia", NOW))
    assert "no migration project" in shown(await office.say("list migration projects", "fern"))


async def test_a_bound_channel_shows_no_part_of_what_came_in_elsewhere(office: Office) -> None:
    async with office.database.begin() as conn:
        await bind(conn, Binding("slack", "C1", Place("pcd-1", project_id="p-fin")), "root")
    reply = await office.say("list migration projects", "fern", channel="C1")
    assert "no migration project" in shown(reply)
    elsewhere = await office.say("summary of the dc1 migration", "fern", channel="C2")
    assert elsewhere.private and "2 VMs" in shown(elsewhere)


async def test_an_own_export_beside_a_part_of_anothers(office: Office) -> None:
    """What is changed is the own one; the other is refused where it is meant."""
    await office.drop(export("RVTools_export_mine.xlsx", rows=[vm("own-1", 1)], disks=[]), "fern")
    listed = table(await office.say("list migration projects", "fern"))
    assert {row[0]: row[1] for row in listed.rows} == {"mine": 1, "dc1": 2}
    built = await office.say("build 1 cohort easiest first", "fern")
    assert built.outcome == "answered" and "mine" in shown(built)
    assert (await office.say("build 1 cohort easiest first for dc1", "fern")).outcome == "not_allowed"
    await office.say("summary of the dc1 migration", "fern", where="room")
    assert (await office.say("build 2 cohorts", "fern", where="room")).outcome in ("not_allowed", "incomplete")


def test_the_policy_names_every_migration_intent() -> None:
    topic = [one for one in CATALOGUE.intents.values() if one.topic == "migration"]
    part = {one.name for one in topic if not is_of_the_whole_plan(one.name, one.risk)}
    assert part == {"migration_list", "migration_summary", "migration_vms", "migration_why", "migration_estimate",
                    "migration_readiness", "wave_show", "migration_export"}  # fmt: skip
