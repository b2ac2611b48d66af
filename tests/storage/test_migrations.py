"""Migration projects in the database: who may know of them, what people decided, names, and waves."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from storage import migration_decisions as decisions
from storage import migration_imports as imports
from storage import migration_names as names
from storage import migration_projects as projects
from storage import migration_sights as sights
from storage import migration_vms as vms
from storage import migration_waves as waves
from storage.database import Database
from storage.known_names import known_names
from storage.migration_decisions import Mapped
from storage.migration_projects import Taken, Viewer
from storage.migration_sights import Places, Reach
from storage.migration_waves import CohortRow, ItemRow, WaveRow

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
COLUMNS = ("server", "vm_key", "position", "name", "tenant", "risk", "score", "reason", "mode", "family", "os",
           "left_out", "priority", "status", "vcpus", "memory_mib", "capacity_mib", "move_mib", "networks", "job",
           "detail", "packed")  # fmt: skip
TAKEN = Taken("dc1", "a.xlsx", "d1", "4.6", NOW, "pia", "", "", NOW, ("vc1",), {"agents": 4}, {"totals": {}}, "{}",
              (("tenant", "Finance", 2, "{}"), ("network", "VLAN-120", 2, "{}")))  # fmt: skip


def row(number: int, **more: Any) -> tuple[Any, ...]:
    values: dict[str, Any] = {
        "server": "vc1", "vm_key": f"vm-{number}", "position": number, "name": f"Web-{number:02}", "tenant": "Finance",
        "risk": "green", "score": number, "reason": "", "mode": "warm", "family": "ubuntu", "os": "Ubuntu",
        "left_out": "", "priority": None, "status": None, "vcpus": 2, "memory_mib": 4096, "capacity_mib": 100,
        "move_mib": 50, "networks": "[]", "job": "[50, 1, \"\", \"\", 60.0, 0.0]", "detail": "{}",
        "packed": f"line {number}",
    }  # fmt: skip
    return tuple({**values, **more}[name] for name in COLUMNS)


async def kept(database: Database, taken: Taken = TAKEN, *rows: tuple[Any, ...]) -> int:
    async with database.begin() as conn:
        return await projects.keep(conn, taken, COLUMNS, rows or (row(1), row(2, risk="red", mode="cold")))


async def test_who_knows_of_a_project(database: Database) -> None:
    id_ = await kept(database, replace(TAKEN, surface="slack", channel="C1"))
    async with database.connect() as conn:
        for viewer, knows in (
            (Viewer("pia"), True), (Viewer("olaf"), False), (Viewer("olaf", everything=True), True),
            (Viewer(""), False),
            (Viewer("pia", False, "slack", "C1"), True), (Viewer("pia", False, "slack", "C2"), False),
            (Viewer("root", True, "teams", "C1"), False),
        ):  # fmt: skip
            assert bool(await sights.sights(conn, viewer, Places())) is knows, viewer
            assert (await sights.sight(conn, viewer, Places(), id_) is not None) is knows
            assert (
                bool(
                    await names.named(
                        conn, await sights.reaches(conn, viewer, Places()), ("dc1", "web-01", "finance", "vlan-120")
                    )
                )
                is knows
            )


async def test_a_newer_export_takes_the_place_of_the_one_before(database: Database) -> None:
    id_ = await kept(database)
    again = await kept(database, replace(TAKEN, name="DC1", digest="d2"), row(1, name="Web-01\x00"), row(9))
    assert again == id_
    async with database.connect() as conn:
        one = (await sights.sights(conn, Viewer("pia"), Places()))[0].project
        assert (one.name, one.version, one.digest) == ("dc1", 2, "d2")
        assert await projects.estate_lines(conn, id_) == (["line 1", "line 9"], "{}")
        assert (await projects.own_named(conn, "pia", "Dc1")) == one
        assert await projects.own_named(conn, "olaf", "dc1") is None
    assert await kept(database, replace(TAKEN, by="olaf")) != id_


async def test_counts_listings_and_tenants_that_are_out(database: Database) -> None:
    id_ = await kept(database, TAKEN, row(1), row(2, risk="red", mode="cold", tenant="Lab", reason="raw disk"),
                     row(3, left_out="template"), row(4, tenant=""))  # fmt: skip
    async with database.begin() as conn:
        found = await vms.counts(conn, id_)
        assert (found.vms, found.move_mib, found.left_out) == (3, 150, {"template": 1})
        assert found.risk == {"green": 2, "yellow": 0, "red": 1} and found.mode == {"warm": 2, "cold": 1}
        await decisions.scope_tenant(conn, id_, "lab", take=False, reason="stays", by="pia", at=NOW)
        found = await vms.counts(conn, id_)
        assert found.vms == 2 and found.left_out == {"template": 1, "tenant": 1}
        assert [(t.name, t.vms, t.is_out) for t in await vms.tenants(conn, id_)] == [
            ("Finance", 1, False), ("Lab", 1, True), ("", 1, False),
        ]  # fmt: skip
        assert await vms.reasons(conn, id_, "red", 3) == []
        lines, total = await vms.listed(conn, id_, vms.Narrow(tenant="FINANCE", families={"ubuntu"}), 10)
        assert total == 1 and lines[0].name == "Web-01"
        assert [one.left_out for one in await vms.named(conn, id_, "WEB-02")] == ["tenant"]
        assert [job[0] for job in await vms.jobs(conn, id_)] == [("vc1", "vm-1"), ("vc1", "vm-4")]
        assert await decisions.tenants_out(conn, id_) == {"lab"}
        await decisions.scope_tenant(conn, id_, "lab", take=True, reason="", by="pia", at=NOW)
        assert (await vms.counts(conn, id_)).vms == 3


async def test_decisions_are_kept(database: Database) -> None:
    id_ = await kept(database)
    key, other = ("vc1", "vm-1"), ("vc1", "vm-2")
    async with database.begin() as conn:
        await decisions.set_override(conn, id_, key, {"mode": "cold", "priority": 1}, "pia", NOW)
        await decisions.set_override(conn, id_, key, {"exclude": True, "reason": "old"}, "pia", NOW)
        found = (await decisions.overrides(conn, id_))[key]
        assert (found["mode"], found["priority"], found["exclude"], found["reason"]) == ("cold", 1, True, "old")
        assert await decisions.depend(conn, id_, key, other, "pia", NOW)
        assert not await decisions.depend(conn, id_, key, other, "pia", NOW)
        assert await decisions.dependencies(conn, id_) == {key: [other]}
        assert await decisions.independent(conn, id_, key, other)
        assert not await decisions.independent(conn, id_, key, other)
        await decisions.map_to(conn, id_, Mapped("network", "VLAN-120", "network", "net-a", "s", "n-1", "pia", NOW))
        await decisions.map_to(conn, id_, Mapped("network", "VLAN-120", "network", "net-b", "s", "n-2", "pia", NOW))
        assert (await decisions.mappings(conn, id_, "network"))["VLAN-120"].target == "net-b"
        assert await decisions.source_named(conn, id_, "tenant", "FINANCE") == "Finance"
        assert await decisions.sources(conn, id_, "network") == [("VLAN-120", 2, {})]
    await kept(database, replace(TAKEN, digest="d2"))
    async with database.connect() as conn:
        assert key in await decisions.overrides(conn, id_) and await decisions.mappings(conn, id_, "network")


async def test_waves_are_put_named_and_moved_by_one_alone(database: Database) -> None:
    id_ = await kept(database)
    wave = WaveRow(1, "Pilot", 1, "planned", NOW, NOW, "", None, {"vms": 1})
    async with database.begin() as conn:
        await waves.put(conn, id_, [CohortRow(1, "Cohort 1", {})], [wave, replace(wave, number=2, name="Wave 2")],
                        [("vc1", "vm-1", 1, 1, "first"), ("vc1", "vm-2", 1, None, "on hold")])  # fmt: skip
        found = await names.named(conn, [Reach(id_)], ("wave 1", "pilot wave", "wave 2", "wave 3", "cohort 1"))
        assert {(span, kind) for span, kind, _ in found} == {
            ("wave 1", "wave"), ("pilot wave", "wave"), ("wave 2", "wave"), ("cohort 1", "cohort"),
        }  # fmt: skip
        assert await waves.set_state(conn, id_, 1, "confirmed", "planned", "pia", NOW)
        assert not await waves.set_state(conn, id_, 1, "confirmed", "planned", "olaf", NOW)
        await waves.set_item(conn, id_, 1, ItemRow("network_mapped", "pass", "pia", NOW, ""))
        await waves.set_item(conn, id_, 1, ItemRow("network_mapped", "pending", "pia", NOW, ""))
        assert (await waves.items(conn, id_, 1))["network_mapped"].state == "pending"
        assert await waves.why_placed(conn, id_, ("vc1", "vm-1")) == (1, 1, "first")
        assert await waves.in_no_wave(conn, id_) == 1
        assert (await vms.listed(conn, id_, vms.Narrow(wave=1), 10))[1] == 1
        assert (await vms.listed(conn, id_, vms.Narrow(cohort=1), 10))[1] == 2
        assert await vms.names(conn, id_, [("vc1", "vm-1")]) == {("vc1", "vm-1"): "Web-01"}
        await waves.put(conn, id_, [], [], [])
        assert not await waves.waves(conn, id_) and not await waves.cohorts(conn, id_)


async def test_an_import_ends_once(database: Database) -> None:
    async with database.begin() as conn:
        id_ = await imports.begin(conn, file="a\x00.xlsx", by="pia", surface="", channel="", now=NOW)
        await imports.note(conn, id_, "vInfo", 1, 10, NOW)
        await imports.end(conn, id_, "refused", NOW, what="no", fix="yes")
        await imports.end(conn, id_, "done", NOW)
        await imports.note(conn, id_, "vDisk", 2, 20, NOW)
        found = await imports.load(conn, id_)
        assert found is not None and (found.state, found.rows, found.what, found.file) == (
            "refused",
            10,
            "no",
            "a.xlsx",
        )
        assert await imports.load(conn, 99) is None


@pytest.mark.parametrize("name", ["web-01", "finance", "vlan-120", "dc1"])
async def test_names_of_exports_are_hidden_from_whoever_must_not_see_them(database: Database, name: str) -> None:
    await kept(database)
    async with database.connect() as conn:
        assert name in await known_names(conn, [name])


async def test_a_schedule_is_made_anew_when_it_was_taken_away(database: Database) -> None:
    id_ = await kept(database)
    async with database.begin() as conn:
        await projects.set_schedule(conn, id_, {"days": 3})
        await projects.set_settings(conn, id_, {"agents": 8})
        found = await projects.by_id(conn, id_)
        assert found is not None and found.schedule == {"days": 3} and found.settings == {"agents": 8}
        await projects.set_schedule(conn, id_, None)
        found = await projects.by_id(conn, id_)
        assert found is not None and found.schedule is None
