"""RVTools exports that are dropped into a conversation: read away from it, kept as a project, told of while they come.

A file is read by this process alone. When it dies half way nothing of the export was kept, and the message that follows
it says to send the file again.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from bot.messages import Message, Upload
from bot.migrating import decisions_of, schedule_of
from bot.people import principal
from bot.stored_files import is_export_name
from engines.policy import decide
from storage import migration_imports as imports
from storage import migration_projects as projects
from storage.database import Database
from storage.migration_projects import Project, Taken

if TYPE_CHECKING:
    from engines.migration.intake import Before, Graded, Read
    from engines.migration.projects import Decisions

log = structlog.get_logger(__name__)

KIND = "migration_upload"
_MOST_AT_ONCE = 2  # files that are read at one time: each may take gigabytes
_MOST_FILES = 3  # of one message
_PATIENCE_S = 6.0
_PATIENCE_PRIVATE_S = 120.0  # where the answer goes elsewhere, and cannot be edited there
_BEAT_S = 1.0
_NAMED = re.compile(r"\b(?:as|called|named|project|migration)\s+[\"“']?([A-Za-z][\w.-]{1,39})", re.IGNORECASE)
_NO_NAMES = frozenset("the a an this that it is plan project migration file export for of with please pls new".split())  # noqa: SIM905


def is_export(upload: Upload) -> bool:
    """By its name: what is in it is seen when it is read."""
    return is_export_name(upload.name)


@dataclass(frozen=True, slots=True)
class Begun:
    """`import_id` None: this person may not send exports, and `needs` is the role that may."""

    upload: Upload
    import_id: int | None
    needs: str = ""


@dataclass(slots=True)
class _Heard:
    """Where the reader has got to; written by its thread, read by the loop."""

    step: str = ""
    sheets: int = 0
    rows: int = 0

    def __call__(self, sheet: str, rows: int) -> None:
        self.step, self.sheets, self.rows = sheet, self.sheets + 1, self.rows + rows


@dataclass(frozen=True, slots=True)
class _Job:
    id: int
    upload: Upload
    by: str
    surface: str
    channel: str
    wished: str
    heard: _Heard = field(default_factory=_Heard)


class Imports:
    """One for a process. `patience_s` is how long an answer waits for a file before it only says how far it is."""

    def __init__(self, database: Database, clock: Callable[[], datetime], patience_s: float = _PATIENCE_S) -> None:
        self._database = database
        self._clock = clock
        self._patience_s = patience_s
        self._room = asyncio.Semaphore(_MOST_AT_ONCE)
        self._large = asyncio.Semaphore(1)
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, message: Message) -> Sequence[Begun]:
        """Begins to read the exports of a message. Those that are quick have been read when it returns."""
        uploads = [upload for upload in message.files if is_export(upload)]
        if not uploads:
            return ()
        begun = [await self._begin(message, upload) for upload in uploads[:_MOST_FILES]]
        tasks = [task for _, task in begun if task is not None]
        if tasks:
            elsewhere = message.channel is not None and message.channel.readers == "guests"
            await asyncio.wait(tasks, timeout=_PATIENCE_PRIVATE_S if elsewhere else self._patience_s)
        return [one for one, _ in begun]

    async def ended(self) -> None:
        """When all that was begun has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _begin(self, message: Message, upload: Upload) -> "tuple[Begun, asyncio.Task[None] | None]":
        surface, channel = _place(message)
        async with self._database.begin() as conn:
            who = await principal(conn, message.person, message.channel)
            verdict = decide(KIND, "write", who.roles if who else ())
            if who is None or not verdict.allowed:
                return Begun(upload, None, verdict.needs), None
            id_ = await imports.begin(
                conn, file=upload.name, by=who.id, surface=surface, channel=channel, now=datetime.now(UTC)
            )
        job = _Job(id_, upload, who.id, surface, channel, _wished_name(message.text))
        task = asyncio.create_task(self._run(job), name=f"migration-import-{id_}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return Begun(upload, id_), task

    async def _run(self, job: _Job) -> None:
        from engines.migration.reading.limits import WorkbookRefused

        beats = asyncio.create_task(self._beat(job))
        try:
            async with self._room, self._large if job.upload.kept else contextlib.nullcontext():
                await self._read_and_keep(job)
        except WorkbookRefused as refused:
            await self._end(job, "refused", refused.what, refused.fix)
        except Exception:
            log.exception("migration.import_failed", import_id=job.id)
            await self._end(
                job, "failed", "something failed on our side", f"look in Stackhand's log for import {job.id}"
            )
        finally:
            beats.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beats

    async def _read_and_keep(self, job: _Job) -> None:
        from engines.migration import intake

        file = job.upload.kept.path if job.upload.kept else job.upload.content
        found = await asyncio.to_thread(intake.read, file, job.upload.name, job.heard)
        job.heard.step = "grading"
        name = job.wished or intake.project_name(job.upload.name, found.estate)
        before, decided, problem = await self._before(job, name, found)
        if problem:
            await self._end(job, "refused", *problem)
            return
        if before is not None and before.digest == found.digest:
            await self._same(job, before)
            return
        graded = await asyncio.to_thread(intake.grade, found, decided, await self._lines(before), self._clock())
        job.heard.step = "keeping"
        await self._keep(job, name, found, graded)

    async def _before(
        self, job: _Job, name: str, found: "Read"
    ) -> "tuple[Project | None, Decisions, tuple[str, str] | None]":
        """The project that this is a newer export of, what was decided about it, and why the export is not taken."""
        async with self._database.connect() as conn:
            before = await projects.own_named(conn, job.by, name)
            decided = await decisions_of(conn, before.id if before else None)
        if before is None or before.export_at is None or found.made_at is None or found.made_at >= before.export_at:
            return before, decided, None
        what = (
            f"this export of {before.name} was made on {found.made_at:%Y-%m-%d %H:%M}, and the one that I have"
            f" on {before.export_at:%Y-%m-%d %H:%M}"
        )
        return before, decided, (what, "send the newest one, or give this one a name of its own: as dc1-old")

    async def _lines(self, before: Project | None) -> "Before | None":
        from engines.migration import intake

        if before is None:
            return None
        async with self._database.connect() as conn:
            lines, platform = await projects.estate_lines(conn, before.id)
        return intake.Before(lines, platform, dict(before.settings))

    async def _keep(self, job: _Job, name: str, found: "Read", graded: "Graded") -> None:
        from engines.migration.keeping import VM_COLUMNS

        taken = Taken(
            name=name, file=job.upload.name, digest=found.digest, export_version=found.version,
            export_at=found.made_at, by=job.by, surface=job.surface, channel=job.channel, at=self._clock(),
            servers=found.estate.servers, settings=graded.settings, summary=graded.summary,
            platform=graded.lines[-1], names=graded.names,
        )  # fmt: skip
        async with self._database.begin() as conn:
            await projects.lock_name(conn, job.by, name)
            newer = await projects.own_named(conn, job.by, name)
            if newer is not None and newer.digest != found.digest and _is_newer(newer, found):
                await imports.end(conn, job.id, "refused", datetime.now(UTC), what="a newer export came in meanwhile",
                                  fix="nothing is to be done")  # fmt: skip
                return
            id_ = await projects.keep(conn, taken, VM_COLUMNS, graded.rows())
            if graded.news:
                await projects.decided(conn, id_, graded.news)
            kept = await projects.by_id(conn, id_)
            if kept is not None:
                await schedule_of(conn, kept)
            now = datetime.now(UTC)
            await imports.end(conn, job.id, "done", now, migration_id=id_, difference=graded.difference)

    async def _same(self, job: _Job, before: Project) -> None:
        async with self._database.begin() as conn:
            await imports.end(conn, job.id, "done", datetime.now(UTC), migration_id=before.id,
                              what="this file was read before: nothing is new in it")  # fmt: skip

    async def _end(self, job: _Job, state: str, what: str, fix: str) -> None:
        with contextlib.suppress(Exception):  # the database may be what failed: the heartbeat tells then
            async with self._database.begin() as conn:
                await imports.end(conn, job.id, state, datetime.now(UTC), what=what, fix=fix)

    async def _beat(self, job: _Job) -> None:
        """How far it is, each second; a sign of life too."""
        while True:
            await asyncio.sleep(_BEAT_S)
            with contextlib.suppress(Exception):
                async with self._database.begin() as conn:
                    heard = job.heard
                    await imports.note(conn, job.id, heard.step, heard.sheets, heard.rows, datetime.now(UTC))


def _is_newer(kept: Project, found: "Read") -> bool:
    return kept.export_at is not None and found.made_at is not None and kept.export_at > found.made_at


def _place(message: Message) -> tuple[str, str]:
    return (message.channel.surface, message.channel.id) if message.channel else ("", "")


def _wished_name(said: str) -> str:
    """ "this is the export of dc1, keep it as phx-exit": a name that the words around the file give it."""
    found = [name for name in _NAMED.findall(said) if name.casefold() not in _NO_NAMES]
    return found[-1].rstrip(".-").lower() if found else ""
