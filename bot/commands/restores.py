"""`restores`: what restores used, for whoever bills or plans by it."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.failures import OK, USAGE, Failure
from bot.commands.options import AsJson, Demo, StateDir
from bot.commands.people_changes import read

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from engines.restore.metering import Metered
    from storage.restores import Window

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="A time in UTC.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, for a spreadsheet.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write to this file instead of the terminal.")]
_MOST = 100_000
_AT_ONCE = 1000


def build() -> typer.Typer:
    app = typer.Typer()
    app.callback()(_restores)
    app.command()(metering)
    return app


def _restores() -> None:
    """What restores used."""


def metering(
    since: Day = None,
    until: Day = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
    out: Out = None,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Print one row for each restore that was asked for, the newest first."""
    from datetime import UTC

    from engines.restore import metering as told
    from storage.restores import Window

    if as_csv and as_json:
        raise Failure("--csv and --json exclude each other", "choose one", USAGE)
    window = Window(
        since=since.replace(tzinfo=UTC) if since else None, until=until.replace(tzinfo=UTC) if until else None
    )
    found = read(state_dir, demo, lambda conn: metered(conn, window))
    if as_csv:
        data = told.as_csv(found)
    elif as_json:
        data = (json.dumps({"restores": told.as_rows(found)}, ensure_ascii=False) + "\n").encode()
    else:
        data = "".join(f"{line}\n" for line in _lines(found)).encode()
    if out is not None:
        out.write_bytes(data)
        typer.echo(f"{out}: {len(found)} restores")
    else:
        typer.echo(data.decode().lstrip("\ufeff"), nl=False)
    return OK


async def metered(conn: "AsyncConnection", window: "Window") -> "list[Metered]":
    from engines.restore.metering import metered as told
    from storage import inventory, restores
    from storage.scopes import EVERYTHING

    found, _ = await restores.restores(conn, EVERYTHING, window, _MOST)
    places = sorted({(one.source, one.project_id) for one in found if one.source and one.project_id})
    projects = await inventory.names_of(conn, EVERYTHING, "project", places)
    rows = []
    for start in range(0, len(found), _AT_ONCE):
        part = found[start : start + _AT_ONCE]
        ids = [one.job_id for one in part]
        steps, plans = await restores.steps_of_all(conn, ids), await restores.plans_of(conn, ids)
        for one in part:
            project = projects.get((one.source or "", one.project_id or ""))
            ran = steps.get(one.job_id, [])
            rows.append(told(one, plans.get(one.job_id, {}), ran, project.name if project else ""))
    return rows


def _lines(found: "list[Metered]") -> list[str]:
    if not found:
        return ["No restore is on record there."]
    return [
        f"{one.restore:8} {one.asked_at}  {one.outcome:9} {_seconds(one):>8}  {one.vms} VM, {one.volumes} volumes, "
        f"{one.gib} GiB  {one.vm} ({one.project or one.project_id}, {one.source}) {one.mode}, by {one.asked_by}"
        for one in found
    ]


def _seconds(one: "Metered") -> str:
    return "" if one.seconds is None else f"{one.seconds:.0f} s"
