"""The pages of migration plans: which there are, and of each an overview, its tenants, its waves, its VMs, one VM.

Everything is made by the server, a page at a time; what a person may see is asked anew for every page, and a plan that
is not theirs answers as one that is not there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import formats
from bot.migration_cards import reason_words, time_words
from bot.people import Principal, principal
from bot.plan_readiness import Look, ReadyPlans
from bot.plan_sights import sight_of, sights_of
from bot.web import plan_queries as queries
from bot.web.entrance import Entrance
from bot.web.gantt import cohort_bars, gantt, grouped, stack, wave_bars
from bot.web.plan_times import vm_times
from bot.web.render import Charts, Renderer
from storage import migration_decisions as decisions
from storage import migration_pages as pages
from storage import migration_vms as vms
from storage import migration_waves
from storage.database import Database
from storage.migration_sights import Sight

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_MOST_WAVES, _MOST_TENANTS, _MOST_CSV = 60, 100, 200_000
_COLOURS = ("red", "yellow", "green")
_GONE = ("It is not there, or it is not yours to see.", "Ask in the chat: list migration projects")
_CSV = (
    ("name", "VM"), ("tenant", "tenant"), ("risk", "risk"), ("score", "score"), ("reason", "why"), ("mode", "mode"),
    ("os", "system"), ("vcpus", "vCPUs"), ("memory_mib", "memory"), ("capacity_mib", "disks"),
    ("move_mib", "to move"), ("cohort", "cohort"), ("wave", "wave"), ("left_out", "left out"),
    ("server", "vCenter"), ("vm_key", "VM id"),
)  # fmt: skip
_CSV_TYPES = {"score": "int", "vcpus": "int", "memory_mib": "mib", "capacity_mib": "mib", "move_mib": "mib",
              "cohort": "int", "wave": "int"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody looks at a migration, through a connection."""

    conn: AsyncConnection
    who: Principal
    sight: Sight
    request: web.Request
    now: datetime

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query


class Plans:
    """The handlers of these pages. `guarded` is what every request of the page passes, see `bot.web.guards`."""

    def __init__(self, database: Database, entrance: Entrance, *, demo: bool = False) -> None:
        self._database = database
        self._entrance = entrance
        self._demo = demo
        self._render = Renderer(Charts())
        self._ready = ReadyPlans()

    def add_to(self, app: web.Application, guarded: Callable[[Handler], Handler]) -> None:
        one = "/migrations/{id:[0-9]{1,18}}"
        shown = {
            one: self._overview, f"{one}/tenants": self._tenants, f"{one}/waves": self._waves, f"{one}/vms": self._vms,
            f"{one}/vm": self._vm, f"{one}/vms.csv": self._csv,
        }  # fmt: skip
        app.router.add_get("/migrations", guarded(self._list), allow_head=False)
        for path, show in shown.items():
            app.router.add_get(path, guarded(self._visited(show)), allow_head=False)

    def _visited(self, show: Callable[[Visit], Awaitable[web.StreamResponse]]) -> Handler:
        """With the session's person and the migration, as far as they may see it."""

        async def visited(request: web.Request) -> web.StreamResponse:
            session = await self._entrance.session(request)
            if session is None:
                return self._no_session(request)
            async with self._database.connect() as conn:
                who = await principal(conn, session.person)
                sight = await sight_of(conn, who, int(request.match_info["id"])) if who else None
                if who is None or sight is None:
                    return self._notice(404, "There is no such migration plan", _GONE)
                return await show(Visit(conn, who, sight, request, datetime.now(UTC)))

        return visited

    def _no_session(self, request: web.Request) -> web.Response:
        """A link in a chat leads here without the cookie, which goes along only when our own page leads on."""
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            html = self._render.plan("plan_again.html", address=request.rel_url.raw_path_qs)
            return web.Response(text=html, content_type="text/html")
        return self._entrance.ask_for_a_link(request.rel_url.path)

    def _notice(self, status: int, title: str, lines: tuple[str, ...]) -> web.Response:
        return web.Response(status=status, text=self._render.notice(title, lines), content_type="text/html")

    async def _list(self, request: web.Request) -> web.StreamResponse:
        session = await self._entrance.session(request)
        if session is None:
            return self._no_session(request)
        async with self._database.connect() as conn:
            who = await principal(conn, session.person)
            found = [(one, await vms.counts(conn, one.project.id, one.only))
                     for one in (await sights_of(conn, who) if who else [])[:_MOST_TENANTS]]  # fmt: skip
        name = who.name if who else session.person
        html = self._render.plan("plans.html", found=found, who=name, demo=self._demo, stack=stack)
        return web.Response(text=html, content_type="text/html")

    def _page(self, visit: Visit, tab: str, template: str, **values: Any) -> web.Response:
        project = visit.sight.project
        html = self._render.plan(
            template, sight=visit.sight, project=project, tab=tab, base=f"/migrations/{project.id}", now=visit.now,
            who=visit.who.name, demo=self._demo, stack=stack, reason_words=reason_words, vm_address=_vm_address,
            **values,
        )  # fmt: skip
        return web.Response(text=html, content_type="text/html")

    async def _overview(self, visit: Visit) -> web.StreamResponse:
        conn, sight = visit.conn, visit.sight
        counts = await vms.counts(conn, sight.project.id, sight.only)
        tenants = [one for one in await vms.tenants(conn, sight.project.id, sight.only) if one.name and not one.is_out]
        reasons = {risk: await vms.reasons(conn, sight.project.id, risk, 6, sight.only) for risk in ("red", "yellow")}
        waves = await pages.waves(conn, sight)
        bars = cohort_bars(waves, await _cohort_names(visit)) or wave_bars(waves)
        schedule = sight.project.schedule
        times = time_words(sight.project.settings, schedule) if schedule and sight.is_whole else ""
        return self._page(
            visit, "overview", "plan_overview.html", counts=counts, tenants=len(tenants), reasons=reasons,
            families=await pages.families(conn, sight), waves=len(waves), chart=gantt(bars[:_MOST_WAVES], visit.now),
            more=len(bars) - _MOST_WAVES, times=times, schedule=schedule if sight.is_whole else None,
            ends_at=max((one.ends_at for one in waves if one.ends_at), default=None),
        )  # fmt: skip

    async def _tenants(self, visit: Visit) -> web.StreamResponse:
        conn, id_ = visit.conn, visit.sight.project.id
        found = await vms.tenants(conn, id_, visit.sight.only)
        page = queries.page_number(visit.query, len(found), _MOST_TENANTS)
        shown = found[(page - 1) * _MOST_TENANTS : page * _MOST_TENANTS]
        ready = None
        if visit.query.get("readiness") == "yes":
            ready = await self._ready.of(Look(conn, visit.who), visit.sight)
        return self._page(
            visit, "tenants", "plan_tenants.html", found=shown, total=len(found), page=page,
            per_page=_MOST_TENANTS, ready=ready, by_tenant={one.tenant: one for one in ready.tenants} if ready else {},
            mapped=await decisions.mappings(conn, id_, "tenant"),
        )  # fmt: skip

    async def _waves(self, visit: Visit) -> web.StreamResponse:
        found, names = await pages.waves(visit.conn, visit.sight), await _cohort_names(visit)
        cohort = queries.number(visit.query, "cohort")
        kept = [one for one in found if cohort is None or one.cohort == cohort]
        page = queries.page_number(visit.query, len(kept), _MOST_WAVES)
        shown = kept[(page - 1) * _MOST_WAVES : page * _MOST_WAVES]
        cohorts = cohort_bars(found, names)
        chart = gantt(grouped(cohorts, wave_bars(shown)), visit.now)
        return self._page(
            visit, "waves", "plan_waves.html", chart=chart, cohorts=cohorts, cohort=cohort, total=len(kept), page=page,
            per_page=_MOST_WAVES, in_no_wave=await _in_no_wave(visit) if found else 0,
        )  # fmt: skip

    async def _vms(self, visit: Visit) -> web.StreamResponse:
        conn, sight, wanted = visit.conn, visit.sight, queries.wanted(visit.query)
        total = await pages.count(conn, sight, wanted)
        page = queries.page_number(visit.query, total)
        rows = await pages.page(conn, sight, queries.at_page(wanted, page))
        waves = await pages.wave_names(conn, sight)
        wave = await pages.waves(conn, sight, wanted.wave) if wanted.wave else []
        tenants, systems = await pages.choices(conn, sight)
        return self._page(
            visit, "vms", "plan_vms.html", wanted=wanted, total=total, page=page, rows=rows, per_page=queries.PER_PAGE,
            waves=waves, wave=next(iter(wave), None), cohorts=sorted({cohort for _, _, cohort in waves} - {0}),
            systems=systems, tenants=tenants,
            address=queries.address, replace=replace, no_tenant=queries.NO_TENANT,
        )  # fmt: skip

    async def _vm(self, visit: Visit) -> web.StreamResponse:
        server, key = (visit.query.get(name, "").replace("\0", "")[:2000] for name in ("vcenter", "id"))
        one = await pages.whole(visit.conn, visit.sight, _text(server), _text(key))
        if one is None:
            return self._notice(404, "There is no such VM in this plan", _GONE)
        waves = await pages.waves(visit.conn, visit.sight, one.row.wave) if one.row.wave else []
        return self._page(
            visit, "vms", "plan_vm.html", vm=one, row=one.row, detail=one.detail, wave=next(iter(waves), None),
            times=vm_times(one, visit.sight.project.settings), concerns=_ranked(one.detail["concerns"]),
        )  # fmt: skip

    async def _csv(self, visit: Visit) -> web.StreamResponse:
        """All VMs of a filter, not a page of them."""
        from engines.exports import ExportColumn, export_csv

        wanted = replace(queries.wanted(visit.query), limit=_MOST_CSV)
        rows = await pages.page(visit.conn, visit.sight, wanted)
        columns = [ExportColumn(name, title, _CSV_TYPES.get(name, "text")) for name, title in _CSV]  # type: ignore[arg-type]
        cells = [[getattr(row, name) for name, _ in _CSV] for row in rows]
        content = await asyncio.to_thread(export_csv, columns, cells)
        name = quote(formats.file_name(f"{visit.sight.project.name}-vms.csv"), safe="", errors="replace")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return web.Response(body=content, content_type="text/csv", charset="utf-8", headers=headers)


async def _cohort_names(visit: Visit) -> dict[int, str]:
    """As their makers named them; who sees some tenants alone gets numbers."""
    if not visit.sight.is_whole:
        return {}
    return {one.number: one.name for one in await migration_waves.cohorts(visit.conn, visit.sight.project.id)}


async def _in_no_wave(visit: Visit) -> int:
    return await pages.count(visit.conn, visit.sight, pages.Wanted(wave=0))


def _text(said: str) -> str:
    return said.encode("utf-8", "replace").decode()


def _vm_address(base: str, row: pages.Row) -> str:
    return f"{base}/vm?vcenter={quote(row.server, safe='')}&id={quote(row.vm_key, safe='')}"


def _ranked(concerns: Any) -> list[Mapping[str, Any]]:
    order = {"critical": 0, "warning": 1}
    return sorted(concerns, key=lambda one: order.get(one["category"], 2))
