"""The composition root: settings → storage → clouds → pipeline → page. All is put together here, and only here."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bot.redaction import secrets_in
from bot.settings import Settings, SettingsError
from storage.database import Database, migrate
from storage.embedded import EmbeddedServer, running_url, start

if TYPE_CHECKING:
    import socket

    from aiohttp import web

    from bot.adapters.chats import Chat
    from bot.metrics import Metrics
    from bot.pipeline import Pipeline
    from bot.service import Work
    from engines.clouds import Cloud
    from engines.clouds.opened import OpenedClouds
    from engines.sealing import Reader


_GRACE_S = 2.0  # what a sync under way gets at the end of the process; it is begun again by the next one


@dataclass(frozen=True, slots=True)
class Storage:
    """A database with current tables. `embedded` is this process's hold on the embedded server, None without one."""

    database: Database
    embedded: EmbeddedServer | None = None


@asynccontextmanager
async def open_storage(settings: Settings, *, visit: bool = False) -> AsyncIterator[Storage]:
    """The configured database, or the embedded one, migrated. Raises StorageUnavailable or EmbeddedError.

    `visit` is for short commands: they use a server that runs without keeping it alive, and start one otherwise.
    """
    url, embedded = await _server(settings, visit)
    database = Database(url)
    try:
        await bring_up_to_date(database)
        yield Storage(database, embedded)
    finally:
        await database.close()
        if embedded is not None:
            await asyncio.to_thread(embedded.stop)


async def _server(settings: Settings, visit: bool) -> tuple[str, EmbeddedServer | None]:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value(), None
    url = running_url(settings.state_dir) if visit else None
    if url is not None:
        return url, None
    embedded = await asyncio.to_thread(
        start, settings.state_dir, bin_dir=settings.postgres_bin, run_as=settings.postgres_user
    )
    return embedded.url, embedded


async def bring_up_to_date(database: Database) -> None:
    """Our tables, and those of the queues. Where they are current nothing heavy is loaded."""
    from bot.schema import is_current
    from storage.queues import are_current

    async with database.connect() as connection:
        queues = await are_current(connection)  # first: where our own tables are missing, the transaction ends there
        current = await is_current(connection)
    if not current:
        await migrate(database)
    if not queues:
        from scheduler.durable import prepare

        await prepare(database.url)


def open_clouds(settings: Settings) -> tuple["Cloud", ...]:
    """The clouds that the settings name. Raises an error of engines.clouds when one is half-configured."""
    from engines.clouds.sources import open_clouds as open_sources

    apart = set(settings.service_entries.values()) - set(settings.service_entries)
    return tuple(open_sources(settings.clouds_file, settings.cloud_names, apart=apart))


def open_acting_clouds(settings: Settings) -> "OpenedClouds":
    """The way to clients that change clouds. Raises an error of engines.clouds when one is half-configured."""
    from engines.clouds.opening import open_acting

    return open_acting(settings.clouds_file, settings.cloud_names, settings.service_entries)


async def close_clouds(clouds: Sequence["Cloud"]) -> None:
    await asyncio.gather(*(cloud.close() for cloud in clouds), return_exceptions=True)


def build_pipeline(database: Database, settings: Settings, reader: "Reader | None" = None) -> "Pipeline":
    """`reader` is for a process that stays. Raises SettingsError when a model is wanted whose package is missing."""
    from datetime import timedelta

    from bot.pipeline import Pipeline
    from engines.restore.wishes import House

    keep = timedelta(days=settings.restore_keep_days)
    house = House(execute=settings.restore_sources, keep=keep, probe=settings.restore_ports)
    if settings.model == "off":
        return Pipeline(database, house=house, reader=reader, page_url=settings.page_url)
    from bot.fallback import Limits
    from bot.models.opening import open_router

    limits = Limits(settings.model_deadline_s, settings.model_calls_per_person, settings.model_calls_per_day)
    return Pipeline(
        database, router=open_router(settings), limits=limits, house=house, reader=reader, page_url=settings.page_url
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process does beside its health endpoints: `answers` lets commands of this machine ask through it."""

    page: bool
    worker: bool
    answers: bool = True
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """All that a process that stays is made of. `taken` is the socket that it listens on."""

    settings: Settings
    parts: Parts
    storage: Storage
    clouds: tuple["Cloud", ...]
    taken: "socket.socket"
    metrics: "Metrics"
    acting: "OpenedClouds"  # the way to clients that change clouds; for those who run approved plans alone


async def serve_forever(settings: Settings, parts: Parts, announce: Callable[[str], None]) -> None:
    """Until SIGINT or SIGTERM. Nothing is begun before the port is ours and every cloud is known to be configured.

    `announce` gets the one-time link of the page, when there is a page.
    """
    from bot.metrics import Metrics
    from bot.service import bind, stop_on_signals

    start_logs(settings)
    _check_address(settings, parts)
    _check_model(settings)
    taken = bind(settings.page_host, settings.page_port)
    clouds, acting = open_clouds(settings), open_acting_clouds(settings)
    try:
        async with open_storage(settings) as storage:
            process = Process(settings, parts, storage, clouds, taken, Metrics(), acting)
            await run_process(process, stop_on_signals(), announce)
    finally:
        taken.close()
        await acting.close()
        await close_clouds(clouds)


def _check_address(settings: Settings, parts: Parts) -> None:
    """A page that others reach must know its own name, or the check of Host and Origin would turn everybody away."""
    from bot.web.guards import LOOPBACK

    if parts.page and settings.page_host not in LOOPBACK and not settings.page_url:
        raise SettingsError(
            f"STACKHAND_PAGE_URL is missing: the page listens on {settings.page_host}, which others can reach",
            "set it to the address that people open, such as https://stackhand.example.org, or use serve --no-page",
        )


def _check_model(settings: Settings) -> None:
    """Also loads the model's client, which takes seconds, before anybody waits for it."""
    from importlib import import_module

    from bot.models.opening import open_router

    if open_router(settings) is not None:
        import_module(settings.model)


async def run_process(process: Process, stop: asyncio.Event, announce: Callable[[str], None]) -> None:
    """The parts of a process, side by side until `stop` is set."""
    import structlog
    from aiohttp import web

    from bot.health import Health, add_health
    from bot.service import address, listening, run_until
    from engines.sealing import Reader

    log = structlog.get_logger(__name__)
    at = process.settings.page_url or address(process.taken, process.settings.page_host)
    app = web.Application()
    add_health(app, Health(process.storage.database, process.metrics))
    reader = Reader() if process.parts.answers else None
    pipeline = build_pipeline(process.storage.database, process.settings, reader) if reader else None
    link = await _add_page(app, process, pipeline) if pipeline and process.parts.page else ""
    async with (
        _chats(process, pipeline) as chats,
        listening(_routed(app, chats), process.taken),
        _door(process, pipeline, at if link else ""),
    ):
        log.info(
            "process.started", address=at, page=bool(link), worker=process.parts.worker, chats=[c.name for c in chats]
        )
        if link:
            announce(f"{at}/?token={link}")
        works = {name: work for chat in chats for name, work in chat.works.items()}
        await run_until(stop, {**_works(process, reader), **works}, process.metrics)
    log.info("process.stopped")


async def _add_page(app: "web.Application", process: Process, pipeline: "Pipeline") -> str:
    """The chat page; gives the token of its first link."""
    from bot.adapters.web import Page, add_page
    from bot.counted import Counted
    from bot.demo_people import SPEAKERS
    from bot.followed import Tellings
    from bot.starters import starters
    from bot.waiting import WaitingFor
    from bot.web.plans import Plans
    from bot.web.sessions import KeptSessions

    settings, sessions = process.settings, KeptSessions(process.storage.database)
    page = Page(
        Counted(pipeline, process.metrics),
        pipeline,
        sessions,
        _hosts(settings),
        starters=starters(demo=process.parts.demo),
        demo=process.parts.demo,
        secure=settings.page_url.startswith("https:"),
        telling=Tellings(process.storage.database),
        waiting=WaitingFor(process.storage.database),
        speakers=SPEAKERS if process.parts.demo else (),
    )
    add_page(app, page)
    Plans(process.storage.database, page.entrance, demo=process.parts.demo).add_to(app, page.guarded)
    return await sessions.mint()


def _chats(process: Process, pipeline: "Pipeline | None") -> "AbstractAsyncContextManager[Sequence[Chat]]":
    """The chat platforms that are set up; a demo, which anybody may start, talks in none."""
    from bot.adapters.chats import open_chats
    from bot.counted import Counted

    if pipeline is None or process.parts.demo:
        return nullcontext(())
    return open_chats(process.settings, process.storage.database, Counted(pipeline, process.metrics), process.metrics)


def _routed(app: "web.Application", chats: "Sequence[Chat]") -> "web.Application":
    for chat in chats:
        chat.add_routes(app)
    return app


def _door(process: Process, pipeline: "Pipeline | None", page: str) -> AbstractAsyncContextManager[bool]:
    """`page` is the page's address, for commands that make links to it; empty: this process has none."""
    from bot.counted import Counted
    from bot.door import door_of, open_door
    from bot.telling import tell

    if pipeline is None:
        return nullcontext(False)
    answer = partial(tell, Counted(pipeline, process.metrics), process.storage.database)
    return open_door(answer, door_of(process.settings), page)


def _hosts(settings: Settings) -> frozenset[str]:
    """The names under which the page may be spoken to."""
    from bot.web.guards import LOOPBACK

    public = urlsplit(settings.page_url).hostname
    return LOOPBACK | ({public} if public else set())


def _works(process: Process, reader: "Reader | None") -> dict[str, "Work"]:
    from bot.readers import Presence
    from bot.service import watch
    from bot.sweeping import Sweeper

    works: dict[str, Work] = {"requests": Sweeper(process.storage.database).run}
    if reader is not None:
        works["passwords"] = Presence(process.storage.database, reader.key).run
    if process.storage.embedded is not None:
        works["database"] = watch(process.storage.embedded)
    if process.parts.worker:
        from bot.workshop import durable_works
        from scheduler.worker import Worker

        worker = Worker(process.storage.database, process.clouds, process.settings.sync_every_s, grace_s=_GRACE_S)
        works["worker"] = worker.run
        works |= durable_works(process.storage.database, process.settings, process.acting)
        works |= _directory_work(process)
    return works


def _directory_work(process: Process) -> dict[str, "Work"]:
    if not process.settings.ldap_url:
        return {}
    from bot.directories import mapping_of, open_directory
    from scheduler.directory import DirectoryWorker

    directory, settings = open_directory(process.settings), process.settings
    if directory is None:
        return {}
    worker = DirectoryWorker(process.storage.database, directory, mapping_of(settings), settings.ldap_every_s)
    return {"directory": worker.run}


def start_logs(settings: Settings) -> None:
    from bot.logs import configure

    configure(settings.log_level, settings.log_format, (*known_secrets(settings), *cloud_secrets(settings)))


def quiet_logs(settings: Settings) -> None:
    """For short commands: their terminal shows answers; faults go to a file, unless a level was asked for."""
    from bot.commands.failures import crash_log
    from bot.logs import LateFile, configure

    if "log_level" in settings.model_fields_set:
        configure(settings.log_level, settings.log_format, known_secrets(settings))
    else:
        configure("error", "json", known_secrets(settings), stream=LateFile(crash_log(settings.state_dir)))


def known_secrets(settings: Settings) -> tuple[str, ...]:
    """Every secret in the settings and the environment: none of them may be seen in a log."""
    found = [os.environ[name] for name in ("PGPASSWORD", "OS_PASSWORD", "OS_TOKEN") if os.environ.get(name)]
    found += settings.secrets
    if settings.database_url is not None:
        password = urlsplit(settings.database_url.get_secret_value()).password or ""
        found += [password, unquote(password)]
    return tuple(found)


def cloud_secrets(settings: Settings) -> tuple[str, ...]:
    import yaml

    from engines.clouds.sources import find_clouds_file

    try:
        path = settings.clouds_file or find_clouds_file()
        files = [path, path.with_name("secure.yaml"), path.with_name("secure.yml")]
        return tuple(
            secret
            for file in files
            if file.is_file()
            for secret in secrets_in(yaml.safe_load(file.read_text(encoding="utf-8")))
        )
    except (OSError, ValueError, yaml.YAMLError):  # opening the clouds says what is wrong with it
        return ()
