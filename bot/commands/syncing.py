"""`stackhand sync`: list clouds now, and say what came of it."""

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from bot.app import close_clouds, open_clouds, open_storage, quiet_logs
from bot.commands.failures import Failure
from bot.settings import Settings
from engines.inventory.collect import SyncReport, sync_source

if TYPE_CHECKING:
    from engines.clouds import Cloud
    from storage.database import Database


async def sync_now(settings: Settings, source: str | None, as_json: bool) -> None:
    """All clouds side by side. Raises Failure when a listing was not whole; the others are written all the same."""
    quiet_logs(settings)
    clouds = open_clouds(settings)
    try:
        chosen = _chosen(clouds, source)
        async with open_storage(settings) as storage:
            reports = await _sync_all(storage.database, chosen, as_json)
    finally:
        await close_clouds(clouds)
    if wrong := [report.source for report in reports if report.state != "done"]:
        raise Failure(
            f"{len(wrong)} of {len(reports)} sources could not be listed whole: {', '.join(wrong)}",
            "the lines above say what to do; what could not be listed is kept as it was",
        )


def _chosen(clouds: Sequence["Cloud"], source: str | None) -> list["Cloud"]:
    """One source by its name, or every region of a cloud by the cloud's name."""
    found = [cloud for cloud in clouds if source is None or source in (cloud.source, cloud.source.split("/")[0])]
    if not found:
        names = ", ".join(cloud.source for cloud in clouds)
        raise Failure(f"there is no source {source!r}", f"there are: {names}")
    return found


async def _sync_all(database: "Database", clouds: Sequence["Cloud"], as_json: bool) -> list[SyncReport]:
    """Each report is printed as soon as its source has ended. The first error that is no cloud's ends it all."""
    reports: list[SyncReport] = []
    for ended in asyncio.as_completed([sync_source(database, cloud, asked_by="local") for cloud in clouds]):
        report = await ended
        reports.append(report)
        typer.echo(json.dumps(_json(report), ensure_ascii=False) if as_json else _text(report))
    return reports


def _json(report: SyncReport) -> dict[str, object]:
    from dataclasses import asdict

    kinds = {name: asdict(kind) for name, kind in report.kinds.items()}
    return {"source": report.source, "state": report.state, "took_ms": report.took_ms, "kinds": kinds}


def _text(report: SyncReport) -> str:
    rows = sum(kind.rows for kind in report.kinds.values())
    lines = [
        f"{report.source}: {report.state}, {rows:,} resources, {report.took_ms / 1000:.1f} s {report.detail}".rstrip()
    ]
    told = ""
    for name, kind in report.kinds.items():
        changes = ((kind.added, "new"), (kind.changed, "changed"), (kind.deleted, "gone"), (kind.returned, "back"))
        said = ", ".join(f"{count:,} {what}" for count, what in changes if count)
        lines.append(f"  {name:20} {kind.rows:>8,}  {kind.outcome}" + (f": {said}" if said else ""))
        if kind.detail and kind.detail != told:
            lines.append(f"  {'':20} {kind.detail}" + (f"; {kind.fix}" if kind.fix else ""))
        told = kind.detail
    return "\n".join(lines)
