"""`stackhand demo`: an invented cloud with a past, in a database of its own, behind the real page."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from sqlalchemy import text

from bot.app import Parts, Process, close_clouds, open_storage, run_process
from bot.commands.failures import Failure
from bot.commands.options import of_demo
from bot.demo_people import make_people
from bot.logs import configure
from bot.metrics import Metrics
from bot.service import bind, stop_on_signals
from bot.settings import Settings
from engines.clouds.demo import DemoWorld, week_start
from engines.inventory.collect import sync_source
from storage.database import Database
from storage.embedded import running_url

if TYPE_CHECKING:
    from engines.clouds import Cloud

_MARK = "demo.json"
_EVERY_S = 30  # the invented cloud changes all the time, and a newcomer shall see it
_LATEST = text("SELECT max(complete_at) FROM listing")


async def run_demo(settings: Settings, state: Path, *, vms: int, fresh: bool) -> None:
    """Until SIGINT or SIGTERM. Raises Failure when the directory holds something else than such a demo."""
    settings = _quiet(settings)
    configure(settings.log_level, settings.log_format)
    taken = bind(settings.page_host, settings.page_port)
    try:
        epoch = await asyncio.to_thread(_claim, state, vms, fresh)
        typer.echo(f"DEMO: an invented cloud of {vms:,} VMs. Nothing in it is real, and nothing of yours is touched.")
        stop, world = stop_on_signals(), DemoWorld(vms=vms, epoch=epoch)
        async with open_storage(settings) as storage:
            await _fill(storage.database, world, stop)
            await _people(storage.database, stop)
            parts = Parts(page=True, worker=True, demo=True)
            clouds, acting = world.clouds(changes=storage.database), world.acting(storage.database)
            process = Process(settings, parts, storage, clouds, taken, Metrics(), acting)
            await run_process(process, stop, _invite)
            await close_clouds(process.clouds)
    finally:
        taken.close()


def _quiet(settings: Settings) -> Settings:
    """A newcomer's terminal shows the link and what goes wrong, unless the settings ask for more."""
    wanted = {"log_level": "warning", "log_format": "text", "sync_every_s": _EVERY_S}
    quiet = {k: v for k, v in wanted.items() if k not in settings.model_fields_set}
    return settings.model_copy(update={**quiet, **of_demo(settings)})


def _claim(state: Path, vms: int, fresh: bool) -> datetime:
    """Make the directory a demo's, or see that it is one of the same size. With `fresh` it is emptied before.

    Returns the time that its cloud counts from: kept, so that next week it is still the same cloud.
    """
    mark = state / _MARK
    if fresh and mark.exists():
        if running_url(state) is not None:
            raise Failure(f"a demo runs in {state}", "stop it first, then ask for a fresh one")
        shutil.rmtree(state)
    if not mark.exists() and state.exists() and any(state.iterdir()):
        raise Failure(f"{state} is not empty, and not a demo's", "choose another --state-dir for the demo")
    known = json.loads(mark.read_text(encoding="utf-8")) if mark.exists() else {}
    size, epoch = known.get("vms", vms), known.get("epoch", week_start(datetime.now(UTC)).isoformat())
    if size != vms:
        raise Failure(f"the demo in {state} has {size} VMs", f"add --fresh to forget it, or --vms {size} to go on")
    state.mkdir(parents=True, exist_ok=True, mode=0o711)
    mark.write_text(json.dumps({"vms": vms, "epoch": epoch}), encoding="utf-8")
    return datetime.fromisoformat(epoch)


async def _fill(database: Database, world: DemoWorld, stop: asyncio.Event) -> None:
    """The past that is not in the database yet, point by point, then the present."""
    async with database.connect() as connection:
        latest = (await connection.execute(_LATEST)).scalar_one()
    now = datetime.now(UTC)
    points = [point for point in world.history_points(now) if latest is None or point > latest]
    for number, point in enumerate([*points, None], 1):
        if stop.is_set():
            return
        typer.echo(f"filling the inventory: {number} of {len(points) + 1}")
        await _sync(database, world.clouds(point, database), point)


async def _people(database: Database, stop: asyncio.Event) -> None:
    if not stop.is_set():  # stopped while it was filled: there may be no customers yet to give rights for
        async with database.begin() as conn:
            await make_people(conn)


async def _sync(database: Database, clouds: Sequence["Cloud"], at: datetime | None) -> None:
    for cloud in clouds:
        await sync_source(database, cloud, at=at, asked_by="demo", wait=True)


def _invite(link: str) -> None:
    typer.echo(
        f"\nOpen the chat page, a link for one browser:\n\n    {link}\n\n"
        'Or ask from another terminal:  stackhand ask --demo "how many VMs are down?"\nCtrl-C stops it.'
    )
