"""Measures the pages of a migration plan, from the request to the whole answer:
`python -m tests.benchmarks.plan_pages [VMS] [ROUNDS]`.

A workbook of so many VMs is dropped into a conversation and its cohorts are built; every page is then asked for in
turn, over HTTP, by one visitor.
"""

import argparse
import asyncio
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.adapters.web import Page, add_page
from bot.imports import Imports
from bot.web.plans import Plans
from storage.database import Database, migrate
from storage.embedded import start
from tests.benchmarks.figures import Figure, line, percentile
from tests.bot.adapters.samples import Memory
from tests.bot.exports import disk, export, vm
from tests.bot.handlers.test_migrations import NOW, Office, office_of
from tests.bot.web.remembered import RememberedSessions

_GOAL_MS = 300.0
_SYSTEMS = ("Microsoft Windows Server 2019 (64-bit)", "Microsoft Windows Server 2008 R2 (64-bit)",
            "Red Hat Enterprise Linux 9 (64-bit)", "SUSE Linux Enterprise 11 (64-bit)")  # fmt: skip
_SYSTEM = "OS according to the configuration file"
PAGES = {
    "list": "/migrations",
    "overview": "/migrations/1",
    "tenants": "/migrations/1/tenants",
    "waves": "/migrations/1/waves",
    "waves, last page": "/migrations/1/waves?page=99",
    "VMs": "/migrations/1/vms",
    "VMs, last page by size": "/migrations/1/vms?sort=move&order=down&page=9999",
    "VMs by wave": "/migrations/1/vms?sort=wave",
    "VMs, part of a name": "/migrations/1/vms?q=app-0123",
    "VMs, filtered": "/migrations/1/vms?risk=yellow&mode=warm&tenant=Team+7",
    "VMs of a wave": "/migrations/1/vms?wave=12",
}


@contextmanager
def _server() -> Iterator[str]:
    state = Path(tempfile.gettempdir()) / f"stackhand-bench-{os.getpid()}-{secrets.token_hex(3)}"
    try:
        with start(state) as server:
            yield server.url
    finally:
        shutil.rmtree(state, ignore_errors=True)


async def _filled(database: Database, count: int) -> Office:
    office = await office_of(database)
    office.pipeline._imports = Imports(database, lambda: NOW, patience_s=600.0)
    rows = [
        vm(f"t{n % 40:02}-app-{n:05}", n, f"Team {n % 40}", f"VLAN-{n % 60}", **{_SYSTEM: _SYSTEMS[n % 4]})
        for n in range(count)
    ]
    disks = [disk(f"t{n % 40:02}-app-{n:05}", n, 20_000 + n * 7 % 90_000, raw=n % 50 == 0) for n in range(count)]
    begun = time.monotonic()
    await office.drop(export("RVTools_export_large.xlsx", rows=rows, disks=disks))
    print(line(Figure("pages", "workbook made, read and kept", time.monotonic() - begun, "s", note=f"{count:,} VMs")))
    begun = time.monotonic()
    await office.say("build 4 cohorts easiest first for large")
    print(line(Figure("pages", "cohorts and waves built", time.monotonic() - begun, "s")))
    return office


async def _asked(client: Any, path: str) -> tuple[float, int]:
    begun = time.perf_counter()
    answer = await client.get(path)
    body = await answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    return (time.perf_counter() - begun) * 1000, len(body)


async def _measured(database: Database, rounds: int) -> None:
    app, sessions, memory = web.Application(), RememberedSessions(), Memory()
    page = Page(memory, memory, sessions)
    add_page(app, page)
    Plans(database, page.entrance).add_to(app, page.guarded)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        await client.get(f"/?token={sessions.mint('pia')}")
        first = await (await client.get("/migrations/1/vms")).text()
        link = re.search(r'href="(/migrations/1/vm\?[^"]*)"', first)
        pages = {**PAGES, "one VM": link[1].replace("&amp;", "&") if link else "/migrations/1"}
        every: list[float] = []
        for name, path in pages.items():
            took = [await _asked(client, path) for _ in range(rounds + 1)][1:]
            every += [ms for ms, _ in took]
            note = f"p50 {percentile([ms for ms, _ in took], 0.5):.0f} ms, {took[0][1] / 1024:.0f} KiB"
            print(
                line(
                    Figure("pages", f"{name}: p95", percentile([ms for ms, _ in took], 0.95), "ms", _GOAL_MS, note=note)
                )
            )
        print(
            line(
                Figure("pages", "all pages: p95", percentile(every, 0.95), "ms", _GOAL_MS, note=f"{len(every)} answers")
            )
        )
        for name, path in (("all VMs as CSV", "/migrations/1/vms.csv?which=all"),
                           ("readiness, worked out", "/migrations/1/tenants?readiness=yes"),
                           ("readiness, kept", "/migrations/1/tenants?readiness=yes")):  # fmt: skip
            ms, size = await _asked(client, path)
            print(line(Figure("pages", name, ms, "ms", note=f"{size / 1024:.0f} KiB")))


async def _run(url: str, count: int, rounds: int) -> None:
    database = Database(url)
    try:
        await migrate(database)
        await _filled(database, count)
        await _measured(database, rounds)
    finally:
        await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vms", type=int, nargs="?", default=10_000)
    parser.add_argument("rounds", type=int, nargs="?", default=20)
    asked = parser.parse_args()
    with _server() as url:
        asyncio.run(_run(url, asked.vms, asked.rounds))


if __name__ == "__main__":
    main()
