"""An export dropped into a conversation, and what is asked about it afterwards; whose it is, and what is refused."""

import asyncio
import gc
import itertools
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from bot.followed import told_of
from bot.imports import Imports
from bot.messages import Channel, Message, Upload
from bot.pipeline import Pipeline
from bot.replies import Choices, File, Progress, Reply, Table, from_json, to_json
from bot.stored_files import StoredFile
from storage import migration_imports
from storage.channels import Binding, bind
from storage.database import Database
from storage.people import Grant, add_person, grant
from storage.scopes import Place
from tests.bot.exports import DC1, DISKS, MADE, export, vm
from tests.bot.world import CATALOGUE, said_by, shown, table

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass
class Office:
    """Two planners, an administrator, a viewer; each says things in a conversation, or in a channel."""

    database: Database
    pipeline: Pipeline
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def say_all(
        self,
        said: str,
        by: str = "pia",
        *,
        files: tuple[Upload, ...] = (),
        where: str = "",
        channel: str = "",
        readers: Literal["asker", "members", "guests"] = "members",
    ) -> tuple[Reply, ...]:
        number = next(self.numbers)
        at = Channel("slack", channel, readers) if channel else None
        message = Message(f"m{number}", by, where or f"c{number}", said, NOW, files, at)
        replies = await self.pipeline.answer(message)
        assert all(shown(from_json(to_json(one))) for one in replies)
        return replies

    async def say(self, said: str, by: str = "pia", **more: object) -> Reply:
        return (await self.say_all(said, by, **more))[0]  # type: ignore[arg-type]

    async def drop(self, upload: Upload | None = None, by: str = "pia", said: str = "", **more: object) -> Reply:
        return await self.say(said, by, files=(upload or export(),), **more)


async def office_of(database: Database, *, known: bool = False) -> Office:
    """`known`: the people of the small world are there already, of whom root is one."""
    async with database.begin() as conn:
        for person, role in (("pia", "operator"), ("olaf", "operator"), ("root", "superadmin"), ("vic", "viewer")):
            if not known:
                await add_person(conn, person, person.capitalize())
                await grant(conn, person, Grant(role), "test")
    return Office(database, Pipeline(database, catalogue=CATALOGUE, clock=lambda: NOW))


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    yield await office_of(database)


async def test_a_dropped_export_is_answered_with_its_assessment(office: Office) -> None:
    reply = await office.drop()
    text = shown(reply)
    assert reply.outcome == "answered", text
    assert "dc1: 4 VMs in 2 tenants" in text and "1 left out: 1 template" in text
    assert "top reasons for red" in text and "working day" in text and "NICs (no vNetwork sheet)" in text
    assert "RVTools_export_dc1.xlsx" in reply.scope
    for said in said_by(reply):
        assert (await office.say(said)).outcome != "not_understood", said


async def test_the_words_around_a_file_may_name_it_or_ask_for_something_else(office: Office) -> None:
    replies = await office.say_all("here is the new one, keep it as phx-exit please", files=(export(),))
    assert len(replies) == 1 and "phx-exit: 4 VMs" in shown(replies[0])
    replies = await office.say_all("which vms are red", files=(export("RVTools_export_dc9.xlsx"),))
    assert [one.intent for one in replies] == ["migration_summary", "migration_vms"]


async def test_what_is_asked_afterwards(office: Office) -> None:
    await office.drop()
    listed = await office.say("list migration projects")
    assert table(listed).rows[0][:2] == ("dc1", 4)
    assert "dc1: 4 VMs in 2 tenants" in shown(await office.say("summary of the dc1 migration"))
    red = await office.say("red vms in dc1")
    assert "fin-erp-db" in shown(red) and "fin-web-01" not in shown(red)
    lab = await office.say("windows machines of Lab in the migration")
    assert lab.slots["tenant"] == "Lab" and [row[0] for row in table(lab).rows] == ["lab-old-01"]
    linux = await office.say("green ones in dc1 with linux")
    assert "lab-old-01" not in shown(linux)
    for line in table(red).opens:
        assert "Raw" in shown(await office.say(line))


async def test_why_a_vm_is_red_names_the_cell(office: Office) -> None:
    await office.drop()
    why = await office.say("why is fin-erp-db red")
    text = shown(why)
    assert why.intent == "migration_why" and why.outcome == "answered", text
    assert "fin-erp-db is red" in text and "vDisk row 3" in text and "cold" in text
    missing = await office.say("why is no-such-vm red in dc1")
    assert missing.outcome in ("not_found", "incomplete"), shown(missing)


async def test_other_means_are_reckoned_side_by_side(office: Office) -> None:
    await office.drop()
    reply = await office.say("how long for dc1 with 10 gbit, 8 agents and 16 hours a day")
    assert [row[0] for row in table(reply).rows] == ["as planned", "as asked"]
    assert table(reply).rows[1][1:4] == (10.0, 8, 16.0)
    plain = await office.say("how long will the dc1 migration take")
    assert plain.outcome == "answered", shown(plain)
    for wrong in ("how long for dc1 with 900 agents", "how long for dc1 with 30 hours a day"):
        assert (await office.say(wrong)).outcome in ("incomplete", "answered")


async def test_a_tenant_is_taken_out_and_in_again(office: Office) -> None:
    await office.drop()
    out = await office.say("exclude tenant Lab from dc1")
    assert out.outcome == "answered" and "2 VMs are to be moved now" in shown(out), shown(out)
    card = shown(await office.say("summary of the dc1 migration"))
    assert "dc1: 2 VMs in 1 tenant" in card and "in tenants that are out" in card
    assert "its tenant is left out" in shown(await office.say("why is lab-old-01 red"))
    undo = next(said for said in said_by(out) if "tenant" in said)
    await office.say(undo)
    assert "dc1: 4 VMs in 2 tenants" in shown(await office.say("summary of the dc1 migration"))
    unknown = await office.say("exclude tenant Nobody from dc1")
    assert unknown.outcome in ("not_found", "incomplete")


async def test_networks_and_tenants_are_mapped(office: Office) -> None:
    await office.drop()
    reply = await office.say("network VLAN-120 goes to net-app")
    assert reply.intent == "migration_map" and "VLAN-120 of dc1 goes to net-app" in shown(reply), shown(reply)
    assert "has to be made before the move" in shown(reply)
    reply = await office.say("map tenant Finance to domain acme project fin-prod")
    assert "Tenant Finance of dc1 goes to" in shown(reply), shown(reply)


async def test_what_goes_before_what_is_kept_and_a_circle_is_refused(office: Office) -> None:
    await office.drop()
    reply = await office.say("fin-web-01 depends on fin-erp-db")
    assert "fin-web-01 moves after fin-erp-db." in shown(reply), shown(reply)
    assert "known already" in shown(await office.say("fin-web-01 depends on fin-erp-db"))
    await office.say("fin-erp-db depends on lab-box-01")
    circle = await office.say("lab-box-01 depends on fin-web-01")
    assert circle.outcome == "failed" and "needs" in shown(circle)
    path = shown(circle)
    assert all(name in path for name in ("fin-web-01", "fin-erp-db", "lab-box-01"))


async def _sent(office: Office, said: str) -> tuple[File, str]:
    reply = await office.say(said)
    (file,) = [part for part in reply.parts if isinstance(part, File)]
    return file, shown(reply)


async def test_an_assessment_comes_in_every_form_and_a_plan_once_waves_were_built(office: Office) -> None:
    card = await office.drop()
    asked = {one.label: one.said for part in card.parts if isinstance(part, Choices) for one in part.choices}
    for label, suffix, start in (("Excel", "xlsx", b"PK"), ("PDF", "pdf", b"%PDF-"), ("CSV", "csv.zip", b"PK")):
        file, text = await _sent(office, asked[label])
        assert file.name == f"dc1-migration-assessment-2026-11-24.{suffix}" and file.content.startswith(start)
        assert "not built yet" in text
    await office.say("build 2 cohorts easiest first for dc1")
    file, text = await _sent(office, "export the dc1 plan as pdf")
    assert file.name == "dc1-migration-plan-2026-11-24.pdf" and "not built yet" not in text
    found, _ = await _sent(office, "export the dc1 plan to json")
    told = json.loads(found.content)
    assert told["cohorts"] and told["waves"] and told["gaps"] is not None and told["sizing"]["total"] >= 0
    assert sum(len(one["members"]) for one in told["waves"]) + len(told["unplaced"]) == told["schedule"]["vms"]


async def test_after_a_word_about_a_migration_a_file_is_of_the_migration(office: Office) -> None:
    await office.drop(where="room")
    await office.say("build 2 cohorts easiest first for dc1", where="room")
    for said, suffix in (("export to excel", "xlsx"), ("export as pdf", "pdf"), ("export csv", "csv.zip")):
        reply = await office.say(said, where="room")
        (file,) = [part for part in reply.parts if isinstance(part, File)]
        assert file.name == f"dc1-migration-plan-2026-11-24.{suffix}", shown(reply)
    await office.say("which vms are red in dc1", where="room")
    reply = await office.say("export that as csv", where="room")
    (file,) = [part for part in reply.parts if isinstance(part, File)]
    assert file.name.endswith(".csv") and b"erp" in file.content


async def test_a_newer_export_shows_the_difference_and_keeps_decisions(office: Office) -> None:
    await office.drop()
    await office.say("exclude tenant Lab from dc1")
    await office.say("fin-web-01 depends on fin-erp-db")
    rows = [vm("fin-web-01", 1, CPUs=8), *DC1[1:3], DC1[4], vm("fin-new-01", 9)]
    reply = await office.drop(export(rows=rows, made=MADE + timedelta(days=7)))
    text = shown(reply)
    assert "1 came, 1 went, 1 changed" in text and "fin-new-01" in text and "lab-old-01" in text, text
    assert ("fin-web-01", "vCPUs", "2", "8") in table(reply).rows
    assert "in tenants that are out" in text and "dc1: 3 VMs" in text
    assert "known already" in shown(await office.say("fin-web-01 depends on fin-erp-db"))
    assert [row[-1] for row in table(await office.say("list migration projects")).rows] == [2]


async def test_the_same_file_twice_and_an_older_one_change_nothing(office: Office) -> None:
    same = export()
    await office.drop(same)
    again = await office.drop(same)
    assert "nothing is new in it" in shown(again) and "dc1: 4 VMs" in shown(again)
    older = await office.drop(export(rows=DC1[:1], made=MADE - timedelta(days=3)))
    assert older.outcome == "failed" and "send the newest one" in shown(older).lower()
    assert "dc1: 4 VMs" in shown(await office.say("summary of the dc1 migration"))


async def test_two_files_of_one_name_at_one_time_end_as_one_project(office: Office) -> None:
    newer = export(rows=DC1[:2], made=MADE + timedelta(days=1))
    await asyncio.gather(office.drop(), office.drop(newer), office.drop())
    listed = await office.say("list migration projects")
    assert len(table(listed).rows) == 1
    await office.drop(newer)
    assert "dc1: 2 VMs" in shown(await office.say("summary of the dc1 migration"))


SECRETS = ("fin-erp-db", "fin-web-01", "VLAN-120", "Finance", "dc1")


@pytest.mark.parametrize(
    "said",
    ["list migration projects", "summary of the dc1 migration", "red vms in dc1", "why is fin-erp-db red",
     "how long with 10 gbit and 4 agents", "export the dc1 plan to excel", "exclude tenant Finance from dc1",
     "network VLAN-120 goes to net-app", "fin-web-01 depends on fin-erp-db", "show fin-erp-db"],
)  # fmt: skip
async def test_nobody_else_learns_anything_of_an_export(office: Office, said: str) -> None:
    await office.drop()
    for by in ("olaf", "vic"):
        reply = await office.say(said, by)
        parts = shown(reply).replace(said, "")
        quoted = [word for word in SECRETS if word in said]
        told = [word for word in SECRETS if word in parts and word not in quoted]
        assert not told, parts
        assert not any(isinstance(part, (File, Table)) for part in reply.parts), parts
        assert reply.outcome != "answered" or "no migration project" in parts, parts
    assert "dc1" in shown(await office.say("list migration projects", "root"))


async def test_two_people_may_have_a_project_of_one_name(office: Office) -> None:
    await office.drop()
    other = await office.drop(export(rows=DC1[:1], made=MADE + timedelta(days=9)), "olaf")
    assert "dc1: 1 VM" in shown(other) and "came" not in shown(other)
    assert "dc1: 4 VMs" in shown(await office.say("summary of the dc1 migration", "pia"))
    assert "dc1: 1 VM in" in shown(await office.say("summary of the dc1 migration", "olaf"))
    await office.say("exclude tenant Finance from dc1", "olaf")
    assert "dc1: 4 VMs" in shown(await office.say("summary of the dc1 migration", "pia"))


async def test_a_bound_channel_knows_only_what_was_uploaded_there(office: Office) -> None:
    async with office.database.begin() as conn:
        await bind(conn, Binding("slack", "C-BOUND", Place("pcd-1", "d-1")), "root")
    await office.drop()
    for by in ("pia", "root"):
        reply = await office.say("list migration projects", by, channel="C-BOUND")
        assert "no migration project" in shown(reply)
    await office.drop(export("RVTools_export_here.xlsx"), channel="C-BOUND")
    reply = await office.say("list migration projects", channel="C-BOUND")
    assert [row[0] for row in table(reply).rows] == ["here"]


async def test_in_another_channel_the_answer_is_for_the_asker_alone(office: Office) -> None:
    dropped = await office.drop(channel="C1")
    assert not dropped.private
    assert not (await office.say("red vms in dc1", channel="C1")).private
    assert (await office.say("red vms in dc1", channel="C2")).private
    assert (await office.say("why is fin-erp-db red", channel="C2")).private


async def test_who_has_no_right_to_change_anything_begins_no_project(office: Office) -> None:
    reply = await office.drop(by="vic")
    assert reply.outcome == "not_allowed" and "operator" in shown(reply)
    stranger = await office.drop(by="nobody-we-know")
    assert stranger.outcome == "not_allowed"
    async with office.database.connect() as conn:
        assert await migration_imports.load(conn, 1) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.xlsx", b""),
        ("text.xlsx", b"this is no workbook"),
        ("cut.xlsx", export().content[:2000]),
        ("macros.xlsm", export().content),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("other.zip", b"PK\x05\x06" + bytes(18)),
        ("../../etc/passwd.xlsx", b"\x00" * 100),
    ],
)
async def test_a_bad_file_is_refused_with_what_to_do(office: Office, name: str, content: bytes) -> None:
    reply = await office.drop(Upload(name, content))
    text = shown(reply)
    assert reply.outcome == "failed" and "was not taken" in text and "Nothing was kept" in text
    assert "Traceback" not in text and "/tmp" not in text and "our side" not in text, text
    assert "no migration project" in shown(await office.say("list migration projects"))


async def test_a_bomb_is_refused_and_costs_nothing(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    path.write_bytes(export().content)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", bytes(64 * 2**20))
    bomb = path.read_bytes()
    assert len(bomb) < 2**20
    reply = await office.drop(Upload("RVTools_export_dc1.xlsx", bomb))
    assert reply.outcome == "failed" and "was not taken" in shown(reply), shown(reply)


async def test_a_large_export_is_kept_and_asked_about(office: Office) -> None:
    office.pipeline._imports = Imports(office.database, lambda: NOW, patience_s=120.0)
    rows = [vm(f"t{number % 40:02}-app-{number:05}", number, f"Team {number % 40}") for number in range(4000)]
    reply = await office.drop(export("RVTools_export_large.xlsx", rows=rows, disks=[]))
    assert "large: 4,000 VMs in 40 tenants" in shown(reply), shown(reply)
    listed = await office.say("vms of tenant Team 7 in the large migration")
    assert table(listed).total == 100, shown(listed)
    assert "t07-app-00007 is" in shown(await office.say("why is t07-app-00007 yellow"))


async def test_an_export_that_lies_on_disk_is_read_from_there_and_gone_afterwards(office: Office) -> None:
    small = export()
    kept = StoredFile(small.name)
    kept.add(small.content)
    kept.end()
    path = kept.path
    card = await office.drop(Upload(small.name, kept=kept))
    assert "dc1: 4 VMs in 2 tenants" in shown(card)
    assert "nothing is new in it" in shown(await office.drop(small))  # the same digest, whichever way it came
    del kept, card
    gc.collect()
    assert not path.exists()


async def test_several_files_are_answered_one_by_one_and_others_are_not_read(office: Office) -> None:
    files = (export("RVTools_export_a1.xlsx"), Upload("bad.zip", b"PK"), Upload("photo.png", b"\x89PNG"))
    replies = await office.say_all("", files=files)
    assert [one.outcome for one in replies] == ["answered", "failed", "failed"]
    assert "photo.png" in shown(replies[2])


async def test_a_slow_file_is_followed_until_its_card(office: Office) -> None:
    office.pipeline._imports = Imports(office.database, lambda: NOW, patience_s=0.0)
    reply = await office.drop()
    assert reply.follows == ("migration/1",) and any(isinstance(part, Progress) for part in reply.parts)
    await office.pipeline._imports.ended()
    async with office.database.connect() as conn:
        told = await told_of(conn, reply.follows, late=False)
    assert told.ended and told.well and told.reply is not None and "dc1: 4 VMs" in shown(told.reply)


async def test_a_file_whose_reader_died_is_not_waited_for(office: Office) -> None:
    then = datetime.now(UTC) - timedelta(minutes=5)
    async with office.database.begin() as conn:
        id_ = await migration_imports.begin(conn, file="x.xlsx", by="pia", surface="", channel="", now=then)
        told = await told_of(conn, (f"migration/{id_}",), late=False)
    assert told.ended and not told.well and told.reply is not None
    assert "interrupted" in shown(told.reply) and "Send the file again" in shown(told.reply)


async def test_names_that_are_hostile_are_shown_and_change_nothing(office: Office) -> None:
    names = [
        "back\\u0000slash",
        "=cmd|' /C calc'!A0",
        "'; DROP TABLE migration_vm; --",
        "<script>",
        "💣" * 30,
        "x" * 79,
    ]
    rows = [vm(name, number, "<b>Ten & Co</b>") for number, name in enumerate(names, 1)]
    reply = await office.drop(export("RVTools_export_evil.xlsx", rows=rows, disks=[]))
    assert "evil: 6 VMs" in shown(reply), shown(reply)
    listed = await office.say("vms of the evil migration")
    assert listed.outcome in ("answered", "not_understood", "incomplete")


def buttons(reply: Reply) -> list[str]:
    return [choice.label for part in reply.parts if isinstance(part, Choices) for choice in part.choices]


def test_the_small_export_is_whole() -> None:
    assert len(DISKS) == 4 and len(DC1) == 5
