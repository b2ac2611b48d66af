"""The pages of a plan: what they show, whom, and what they make of addresses that nobody should send."""

import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from bot.adapters.web import Page, add_page
from bot.imports import Imports
from bot.web import guards
from bot.web.plans import Plans
from storage import migration_decisions as decisions
from storage.database import Database
from storage.migration_decisions import Mapped
from storage.people import Grant, add_person, grant
from tests.bot.adapters.samples import Memory
from tests.bot.exports import export, vm
from tests.bot.handlers.test_migrations import NOW, Office, office_of
from tests.bot.web.remembered import RememberedSessions

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}",
    "a\u202eb",
    "100%_done",
    "ü/ß?&=#",
)
PARTS = ("", "/tenants", "/tenants?readiness=yes", "/waves", "/vms", "/vms?which=all&sort=name", "/vms.csv?which=all")


@dataclass
class Site:
    """The page of an office, as a browser reaches it."""

    office: Office
    client: Any
    sessions: RememberedSessions

    async def enter(self, person: str) -> None:
        self.client.session.cookie_jar.clear()
        await self.client.get(f"/?token={self.sessions.mint(person)}")

    async def get(self, path: str, **options: Any) -> ClientResponse:
        answer: ClientResponse = await self.client.get(path, **options)
        return answer

    async def text(self, path: str) -> str:
        answer = await self.get(path)
        assert answer.status == 200, (path, answer.status)
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        return await answer.text()


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    app, sessions, memory = web.Application(), RememberedSessions(), Memory()
    page = Page(memory, memory, sessions)
    add_page(app, page)
    Plans(database, page.entrance).add_to(app, page.guarded)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        office = await office_of(database)
        office.pipeline._imports = Imports(database, lambda: NOW, patience_s=120.0)  # a busy machine reads slowly
        yield Site(office, client, sessions)


async def customers(site: Site) -> None:
    """Finance goes to a project of fern, Lab to a domain of lara; both hold a role there alone."""
    held = {"fern": Grant("operator", source="pcd-1", project_id="p-fin"),
            "lara": Grant("viewer", source="pcd-1", domain_id="d-lab"),
            "gus": Grant("operator", source="pcd-2", project_id="p-fin")}  # fmt: skip
    async with site.office.database.begin() as conn:
        for person, given in held.items():
            await add_person(conn, person, person.capitalize())
            await grant(conn, person, given, "test")
        for tenant, kind, id_ in (("Finance", "project", "p-fin"), ("Lab", "domain", "d-lab")):
            both = ("vc-1\x1fpcd-1", f"group-9\x1f{id_}") if kind == "domain" else ("pcd-1", id_)
            await decisions.map_to(conn, 1, Mapped("tenant", tenant, kind, id_, *both, "pia", NOW))


def names(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]*"><bdi>([^<]*)</bdi>', html)


async def test_the_plan_of_an_export_can_be_looked_at(site: Site) -> None:
    await site.office.drop()
    await site.office.say("build 2 cohorts easiest first for dc1")
    await site.enter("pia")
    assert 'href="/migrations/1"' in await site.text("/migrations")
    overview = await site.text("/migrations/1")
    assert "<dd>4</dd>" in overview and 'aria-label="Risk: red 1' in overview and "Cohort 1" in overview
    waves = await site.text("/migrations/1/waves")
    assert "wave" in waves and "<caption" in waves and 'class="bar planned"' in waves
    tenants = await site.text("/migrations/1/tenants")
    assert names(tenants) == ["Finance", "Lab"] and 'data-load="/migrations/1/tenants?readiness=yes' in tenants
    ready = await site.text("/migrations/1/tenants?readiness=yes")
    assert "not ready" in ready and "target mapped" in ready
    assert "<script>" not in overview + waves + tenants and "style=" not in overview + waves + tenants + ready


async def test_vms_are_filtered_sorted_and_paged_by_the_server(site: Site) -> None:
    rows = [vm(f"app-{n:03}", n, "Finance" if n % 2 else "Lab", CPUs=64 if n == 7 else 2) for n in range(1, 131)]
    await site.office.drop(export(rows=rows, disks=[]))
    await site.enter("pia")
    first = await site.text("/migrations/1/vms?sort=name")
    assert names(first) == [f"app-{n:03}" for n in range(1, 51)] and "Page 1 of 3" in first
    last = await site.text("/migrations/1/vms?sort=name&page=3")
    assert names(last) == [f"app-{n:03}" for n in range(101, 131)]
    down = await site.text("/migrations/1/vms?sort=name&order=down&tenant=Lab")
    assert names(down)[:2] == ["app-130", "app-128"] and "65 VMs" in down and 'aria-sort="descending"' in down
    assert names(await site.text("/migrations/1/vms?q=P-00&sort=name")) == [f"app-{n:03}" for n in range(1, 10)]
    assert names(await site.text("/migrations/1/vms?sort=vcpus"))[0] == "app-007"
    every = [name for sort in ("risk", "wave", "os") for page in (1, 2, 3)
             for name in names(await site.text(f"/migrations/1/vms?sort={sort}&page={page}"))]  # fmt: skip
    assert sorted(every) == sorted([f"app-{n:03}" for n in range(1, 131)] * 3)


async def test_a_vm_is_shown_with_its_evidence_and_why_it_is_in_its_wave(site: Site) -> None:
    await site.office.drop()
    await site.office.say("fin-web-01 depends on fin-erp-db")
    await site.office.say("plan waves for dc1, pilot first")
    await site.enter("pia")
    link = re.search(r'href="(/migrations/1/vm\?[^"]*vm-2)"', await site.text("/migrations/1/vms"))
    assert link is not None
    page = await site.text(link[1].replace("&amp;", "&"))
    assert "fin-erp-db" in page and "vDisk" in page and "row 3" in page and "Raw" in page
    assert "Why there:" in page and "Switched off" not in page and "copy and start" in page.lower()
    other = await site.text("/migrations/1/vm?vcenter=vc1&id=vm-1")
    assert "Moves after: <bdi>fin-erp-db" in other and "Cutover" in other
    for path in ("/migrations/1/vm", "/migrations/1/vm?vcenter=vc1&id=vm-99", "/migrations/1/vm?id=%00%ff"):
        assert (await site.get(path)).status == 404


async def test_what_is_left_out_is_there_with_its_reason(site: Site) -> None:
    await site.office.drop()
    await site.office.say("exclude tenant Lab from dc1")
    await site.enter("pia")
    out = await site.text("/migrations/1/vms?which=out&sort=name")
    assert names(out) == ["fin-template", "lab-box-01", "lab-old-01"]
    assert "its tenant is left out of the plan" in out and "a template" in out


async def test_hostile_names_are_words(site: Site) -> None:
    rows = [vm(name, n, f"{HOSTILE[0]} & Co") for n, name in enumerate(HOSTILE, 1)]
    await site.office.drop(export("RVTools_export_evil.xlsx", rows=rows, disks=[]))
    await site.office.say("build 1 cohort easiest first for evil")
    await site.enter("pia")
    pages = [await site.text(f"/migrations/1{part}") for part in PARTS[:-1]]
    pages += [await site.text(f"/migrations/1/vm?vcenter=vc1&id=vm-{n}") for n in range(1, len(HOSTILE) + 1)]
    for html in pages:
        assert "<script>" not in html and "<img src=x" not in html and "\u202e" not in html and "49" not in names(html)
    assert "&lt;script&gt;" in pages[4] and "tenant=%3Cscript%3E" in pages[1]
    for found in ("100%25_", "%3Cscript", "%22%3E"):
        assert len(names(await site.text(f"/migrations/1/vms?q={found}"))) == 1
    rows_told = list(csv.reader(io.StringIO((await site.text("/migrations/1/vms.csv")).lstrip("\ufeff"))))
    assert len(rows_told) == len(HOSTILE) + 1


NONSENSE = (
    "page=0", "page=-1", "page=99999999999999999999", "page=1e9", "page=٣", "sort=;drop", "order=up", "risk=purple",
    "wave=4294967296", "wave=-1", "wave=9999999", "cohort=x", "q=" + "x" * 6000, "q=%00", "q=%ff%fe", "q=%ed%a0%80",
    "tenant=%00", "tenant=" + "y" * 3000, "which=none", "system=%27%20OR%201=1--", "reason=%5C", "q=%25", "q=_",
    "risk=red&risk=green", "=", "&&&",
)  # fmt: skip


async def test_nonsense_in_an_address_is_left_out(site: Site) -> None:
    await site.office.drop()
    await site.enter("pia")
    for at, query in enumerate(NONSENSE):
        for part in ("vms", ("waves", "tenants")[at % 2]):
            assert (await site.get(f"/migrations/1/{part}?{query}")).status == 200, (part, query)
    for query in NONSENSE[::6]:
        assert (await site.get(f"/migrations/1/vm?{query}")).status == 404
    assert (await site.get("/migrations/1/vms.csv?page=-1&sort=;drop")).status == 200
    assert len(names(await site.text("/migrations/1/vms?risk=purple&page=99999999999&sort=x"))) == 4


async def test_strangers_and_others_see_the_same_nothing(site: Site) -> None:
    await site.office.drop()
    for part in PARTS:
        assert (await site.get(f"/migrations/1{part}")).status == 401
    for person in ("olaf", "vic", "nobody-we-know"):
        await site.enter(person)
        for part in (*PARTS, "/vm?vcenter=vc1&id=vm-1"):
            there, nowhere = await site.get(f"/migrations/1{part}"), await site.get(f"/migrations/77{part}")
            assert (there.status, await there.text()) == (nowhere.status, await nowhere.text()) and there.status == 404
        assert "no migration plan" in await site.text("/migrations")
    await site.enter("root")
    assert "dc1" in await site.text("/migrations")
    huge = await site.get("/migrations/999999999999999999")
    assert huge.status == 404 and guards.HEADERS["X-Frame-Options"] == huge.headers["X-Frame-Options"]


async def test_other_hosts_are_turned_away(site: Site) -> None:
    await site.office.drop()
    await site.enter("pia")
    assert (await site.get("/migrations/1", headers={"Host": "evil.example"})).status == 421
    assert (await site.client.post("/migrations/1")).status == 405


async def test_a_link_in_a_chat_finds_the_session_by_a_second_step(site: Site) -> None:
    """A strict cookie does not come along with a click elsewhere; our own page then leads on."""
    answer = await site.get("/migrations/1/vms?q=%22%3E%3Cscript%3E", headers={"Sec-Fetch-Site": "cross-site"})
    html = await answer.text()
    assert answer.status == 200 and 'content="0; url=/migrations/1/vms?q=%22%3E%3Cscript%3E"' in html
    assert (await site.get("/migrations/1", headers={"Sec-Fetch-Site": "same-origin"})).status == 401


FINANCE, LAB = ("Finance", "fin-web-01", "fin-erp-db", "VLAN-120"), ("Lab", "lab-box-01", "lab-old-01", "VLAN-130")


@pytest.mark.parametrize(("person", "own", "others"), [("fern", FINANCE, LAB), ("lara", LAB, FINANCE)])
async def test_a_customer_sees_their_own_vms_and_nothing_of_others(
    site: Site, person: str, own: tuple[str, ...], others: tuple[str, ...]
) -> None:
    await site.office.drop()
    await site.office.say("fin-web-01 depends on lab-box-01")
    await site.office.say("lab-old-01 depends on fin-erp-db")
    await site.office.say("build 1 cohort easiest first for dc1")
    await customers(site)
    await site.enter(person)
    vms = {"Finance": (1, 2), "Lab": (3, 4)}
    pages = {part: await site.text(f"/migrations/1{part}") for part in ("", *PARTS)}
    pages |= {f"vm-{n}": await site.text(f"/migrations/1/vm?vcenter=vc1&id=vm-{n}") for n in vms[own[0]]}
    pages["list"] = await site.text("/migrations")
    for part, html in pages.items():
        assert not [word for word in (*others, "RVTools_export") if word in html], part
    assert "<dd>2</dd>" in pages[""] and "dc1" in pages["list"] and "2 VMs" in pages["list"]
    assert names(pages["/vms?which=all&sort=name"]) == sorted(own[1:3]) and names(pages["/tenants"]) == [own[0]]
    rows = list(csv.reader(io.StringIO(pages["/vms.csv?which=all"].lstrip("\ufeff"))))
    assert {row[1] for row in rows[1:]} == {own[0]}
    for n in vms[others[0]]:
        assert (await site.get(f"/migrations/1/vm?vcenter=vc1&id=vm-{n}")).status == 404
    assert names(await site.text(f"/migrations/1/vms?tenant={others[0]}&which=all")) == []


async def test_a_mapping_opens_nothing_to_other_places_and_closes_again(site: Site) -> None:
    await site.office.drop()
    await customers(site)
    await site.enter("gus")  # the same project id, on another source
    assert (await site.get("/migrations/1")).status == 404
    async with site.office.database.begin() as conn:
        await decisions.map_to(conn, 1, Mapped("network", "VLAN-120", "network", "n", "pcd-2", "p-fin", "pia", NOW))
        await decisions.map_to(conn, 1, Mapped("tenant", "Nobody", "project", "p", "pcd-2", "p-fin", "pia", NOW))
    empty = await site.text("/migrations/1/vms?which=all")  # a tenant that the export has no VM of
    assert names(empty) == [] and "fin-" not in empty
    await site.enter("fern")
    assert (await site.get("/migrations/1")).status == 200
    async with site.office.database.begin() as conn:
        await decisions.map_to(conn, 1, Mapped("tenant", "Finance", "", "elsewhere", "", "", "pia", NOW))
    assert (await site.get("/migrations/1")).status == 404


async def test_whoever_lost_every_role_sees_nothing_of_their_own_upload(site: Site) -> None:
    await site.office.drop()
    await site.enter("pia")
    assert (await site.get("/migrations/1")).status == 200
    from storage.people import revoke

    async with site.office.database.begin() as conn:
        assert await revoke(conn, "pia", Grant("operator"))
    assert (await site.get("/migrations/1")).status == 404
