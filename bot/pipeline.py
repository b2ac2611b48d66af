"""The way of a message: who asks, what was meant, may they, the answer, the record of it."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters import Exchange, failure
from bot.audiences import for_audience
from bot.deciding import pressed, pressed_in, typed
from bot.granting import about_roles
from bot.handlers.asking import Ask, UnknownNameError
from bot.handlers.registry import Handlers, UnusedSlotError, find_handlers
from bot.imports import Begun, Imports
from bot.memory import last_parts, last_reading, reading_to_json, row_opened
from bot.messages import Message
from bot.migration_cards import import_reply
from bot.migration_cards import not_allowed as no_export
from bot.misunderstandings import (
    PLANNING,
    asked_back,
    no_role,
    no_such_row,
    not_allowed,
    not_built,
    not_understood,
    too_long,
    unused,
    unused_words,
)
from bot.naming import names_in
from bot.page_links import asked_for
from bot.people import Principal, before_whom, principal, readers_of
from bot.plan_sights import reaches_of
from bot.replies import File, Reply, Text, from_json, to_json
from bot.restore_changes import with_words
from bot.restoring import about_the_gone
from bot.rule_uploads import answer as take_rules
from bot.rule_uploads import is_rules
from engines.inventory.filters import NotApplicableError
from engines.restore.wishes import House
from intents.matcher import Matcher
from intents.readings import Reading
from intents.registry import Catalogue, load_catalogue
from storage import audit, exchanges, migration_imports
from storage.database import Database, StorageUnavailable

if TYPE_CHECKING:
    from bot.fallback import Fallback, Limits, Pending, Routed
    from bot.models import Router
    from engines.sealing import Reader

log = structlog.get_logger(__name__)
MOST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class _Answered:
    reading: Reading
    reply: Reply
    took_ms: int


def _now() -> datetime:
    return datetime.now(UTC)


class Pipeline:
    """Answers messages, and knows what was said before. One for a whole process; it keeps nothing of a message."""

    def __init__(
        self,
        database: Database,
        *,
        catalogue: Catalogue | None = None,
        clock: Callable[[], datetime] = _now,
        router: "Router | None" = None,
        limits: "Limits | None" = None,
        house: House | None = None,
        reader: "Reader | None" = None,
        page_url: str = "",
    ) -> None:
        """`router` is a language model for what nothing understands, within `limits`; None: there is none.
        `house` is what an admin allows restores; `reader` opens what is sealed for this process, None: it shows nothing
        of that kind; `page_url` is where people reach the page, empty where it has no such address.
        """
        self._database = database
        self._catalogue = catalogue or load_catalogue()
        self._matcher = Matcher(self._catalogue)
        self._handlers: Handlers = find_handlers(self._catalogue)
        self._clock = clock
        self._house = replace(house or House(), reader=reader.key if reader else "")
        self._reader = reader
        self._page_url = page_url
        self._fallback = _fallback(router, self._matcher, self._handlers, limits)
        self._imports = Imports(database, clock)

    async def answer(self, message: Message) -> tuple[Reply, ...]:
        """One reply for each thing that was asked. What goes wrong is in a reply; nothing is raised."""
        try:
            return await self._answer(message)
        except StorageUnavailable as away:
            log.warning("answer.no_database", message=message.id, what=away.what)
            return (Reply((Text(f"I cannot answer now: {away.what}.", "heading"), Text(f"{away.fix}.")), "failed"),)
        except Exception:
            log.exception("answer.fault", message=message.id)
            return (failure(message.id),)

    async def recent(self, conversation: str, person: str, limit: int) -> Sequence[Exchange]:
        """What was said before; the replies to one message are put together again."""
        async with self._database.connect() as conn:
            rows = await exchanges.recent(conn, conversation, person, limit)
        found: list[Exchange] = []
        for row in rows:
            reply = from_json(row.reply)
            if found and found[-1].said == row.said and found[-1].at == row.at:
                found[-1] = replace(found[-1], replies=(*found[-1].replies, reply))
            else:
                found.append(Exchange(row.said, (reply,), row.at))
        return found

    async def stored(self, id: str, person: str) -> File | None:  # noqa: A002
        async with self._database.connect() as conn:
            file = await exchanges.load_file(conn, id, person)
        return File(file.name, file.mime, file.content, id) if file else None

    async def _answer(self, message: Message) -> tuple[Reply, ...]:
        if len(message.text) > MOST_CHARACTERS:
            return (await self._refused(message, too_long(len(message.text), MOST_CHARACTERS)),)
        exports = await self._imports.take(message)
        done = await self._in_transaction(message, None, exports)
        if isinstance(done, tuple) or self._fallback is None:
            return done if isinstance(done, tuple) else ()
        routed = await self._fallback.ask(done)  # the transaction has ended; rights and names are looked up anew
        done = await self._in_transaction(message, routed, exports)
        return done if isinstance(done, tuple) else ()

    async def _in_transaction(
        self, message: Message, routed: "Routed | None", exports: Sequence[Begun] = ()
    ) -> "tuple[Reply, ...] | Pending":
        """The replies, kept and recorded; or what a model has to be asked first. `routed` is what it said, `exports`
        are files that are being read."""
        async with self._database.begin() as conn:
            who = await principal(conn, message.person, message.channel)
            if who is None:
                reply = for_audience(readers_of(message.channel), None, (), not_allowed(message.person))
                await self._audit(conn, message, None, reply)
                return (reply,)
            who, audience = await before_whom(conn, who, message.channel)
            now = self._clock()
            before = await exchanges.last(conn, message.conversation, message.person, now)
            readings = await self._readings(conn, message, who, now, before)
            if self._fallback is not None and routed is None and not exports:
                pending = await self._fallback.prepare(conn, who, message, readings, now)
                if pending is not None:
                    return pending
            if self._fallback is not None and routed is not None:
                readings = [await self._fallback.reading(conn, who, message, readings[0], routed, now)]
            answered = [
                replace(one, reply=for_audience(audience, one.reading, before, one.reply))
                for one in await self._replies(conn, message, who, now, before, readings, exports)
            ]
            kept = [await self._keep(conn, message, who, one) for one in answered]
            for one in answered:
                await self._audit(conn, message, one.reading, one.reply)
        return tuple(kept)

    async def _replies(
        self,
        conn: AsyncConnection,
        message: Message,
        who: Principal,
        now: datetime,
        before: Sequence[exchanges.Said],
        readings: Sequence[Reading],
        exports: Sequence[Begun],
    ) -> list[_Answered]:
        last = last_reading(before, self._catalogue)
        done: list[_Answered] = [await _export(conn, message, one) for one in exports]
        rules = [upload for upload in message.files if is_rules(upload)]
        for reading in _apart_from_files(message, readings, bool(rules), bool(exports)):
            begun = time.perf_counter()
            ask = replace(self._ask(conn, message, who, now, reading), last=last)
            reply = await self._marked(ask, reading)
            done.append(_Answered(reading, reply, round((time.perf_counter() - begun) * 1000)))
        taken = [*rules, *(one.upload for one in exports)]
        others = replace(message, files=tuple(upload for upload in message.files if upload not in taken))
        if rules:
            ask = self._ask(conn, message, who, now, Reading(message.text))
            done.append(_Answered(ask.reading, await take_rules(ask, rules[0]), 0))
        if others.files:
            done.append(_Answered(Reading(message.text), _files_not_read(others), 0))
        return done

    def _ask(self, conn: AsyncConnection, message: Message, who: Principal, now: datetime, reading: Reading) -> Ask:
        answered = frozenset(self._handlers.by_intent)
        return Ask(
            conn, who, message.conversation, reading, now, self._catalogue, answered, again=self._again,
            channel=message.channel, account=message.account, redraws=message.redraws, house=self._house,
            unseen=message.unseen, reader=self._reader, page_url=self._page_url,
        )  # fmt: skip

    async def _readings(
        self, conn: AsyncConnection, message: Message, who: Principal, now: datetime, before: Sequence[exchanges.Said]
    ) -> Sequence[Reading]:
        """What the message says; "the second one" is a row of the last answer, and means what opens that row."""
        button = await pressed(conn, typed(message.text, last_parts(before)))
        if button is not None:
            return (await with_words(conn, who, self._matcher, button, now),)
        if (page := asked_for(message.text)) is not None:
            return (page,)
        plans = await reaches_of(conn, who, message.channel)
        text, names = await names_in(conn, who.scope, message.text, self._matcher.lexicon.knows, plans)
        readings: Sequence[Reading] = self._matcher.read_all(text, names, now, last_reading(before, self._catalogue))
        readings = await about_roles(conn, who, message.text, self._matcher, now, readings)
        opens = row_opened(before, readings[0].slots.get("ordinal"))
        if opens is None:
            return readings
        text, names = await names_in(conn, who.scope, opens, plans=plans)
        return self._matcher.read_all(text, names, now)

    async def _marked(self, ask: Ask, reading: Reading) -> Reply:
        """The answer, which says so where a model chose what it is an answer to."""
        if reading.source != "model":
            return await self._reply(ask, reading)
        from bot.fallback import marked, offer, offered

        if offered(reading) and reading.ask is not None:
            return offer(self._catalogue.intents[reading.ask.intents[0]], reading.ask.said)
        return marked(await self._reply(ask, reading), reading, self._catalogue.intents.get(reading.intent or ""))

    async def _reply(self, ask: Ask, reading: Reading) -> Reply:
        """The answer, or the kind of misunderstanding that stands in its way."""
        intent = self._catalogue.intents.get(reading.intent or "")
        if intent is None:
            return await not_understood(ask)
        verdict = ask.who.may(intent)
        if not verdict.allowed and pressed_in(reading) is None:  # a click is decided on, and recorded, by its request
            return not_allowed(ask.who.name, intent, verdict.needs) if ask.who.roles else no_role(ask.who, intent)
        if "ordinal" in reading.slots:
            return no_such_row()
        reading = await about_the_gone(ask, reading)
        if reading.ask is not None and not _is_preview(reading):
            return await asked_back(ask, intent, reading.ask)
        words = unused_words(reading)
        if words:
            return unused(intent, words)
        if self._handlers.get(intent.name) is None:
            return not_built(intent)
        return await self._again(ask, reading)

    async def _again(self, ask: Ask, reading: Reading) -> Reply:
        """Answer a reading that needs no asking back."""
        handler = self._handlers.get(reading.intent or "")
        if handler is None:
            return await not_understood(ask)
        try:
            reply = await handler.answer(replace(ask, reading=reading), reading)
        except UnusedSlotError as error:
            return unused(self._catalogue.intents[handler.intent], error.slots)
        except UnknownNameError as error:
            return Reply((Text(str(error), "heading"), Text("Search by any part of it: find …")), "not_found")
        except NotApplicableError as error:
            return Reply((Text(f"{str(error)[0].upper()}{str(error)[1:]}.", "heading"), *_states(error)), "incomplete")
        return replace(reply, intent=handler.intent, slots=dict(reading.slots))

    async def _keep(self, conn: AsyncConnection, message: Message, who: Principal, answered: _Answered) -> Reply:
        """Store the files and the exchange; the reply then knows where its files are."""
        parts = [
            replace(part, id=await exchanges.store_file(conn, who.id, part.name, part.mime, part.content))
            if isinstance(part, File)
            else part
            for part in answered.reply.parts
        ]
        reply = replace(answered.reply, parts=tuple(parts))
        await exchanges.append(
            conn,
            conversation=message.conversation,
            person=who.id,
            at=message.at,
            said=message.text,
            intent=answered.reading.intent,
            reading=reading_to_json(answered.reading),
            reply=to_json(reply),
            took_ms=answered.took_ms,
        )
        return reply

    async def _refused(self, message: Message, reply: Reply) -> Reply:
        """What is not even read is recorded all the same."""
        reply = for_audience(readers_of(message.channel), None, (), reply)
        async with self._database.begin() as conn:
            await self._audit(conn, message, None, reply)
        return reply

    async def _audit(self, conn: AsyncConnection, message: Message, reading: Reading | None, reply: Reply) -> None:
        """The command that was understood, never the message around it."""
        await audit.record(
            conn,
            person=message.person,
            action=(reading.intent if reading else None) or "not_understood",
            target=_target(reading),
            outcome=reply.outcome,
            at=self._clock(),
            detail={
                "slots": dict(reading.slots) if reading else {},
                "conversation": message.conversation,
                **_place(message, reply),
                **({"routed_by": "model"} if reading and reading.source == "model" else {}),
            },
        )


def _fallback(
    router: "Router | None", matcher: Matcher, handlers: Handlers, limits: "Limits | None"
) -> "Fallback | None":
    if router is None:
        return None
    from bot.fallback import Fallback, Limits

    return Fallback(router, matcher, handlers.by_intent, limits or Limits())


def _target(reading: Reading | None) -> str:
    slots = reading.slots if reading else {}
    return str(
        next((slots[name] for name in ("name", "vm", "user", "project", "query", "kind") if slots.get(name)), "")
    )


def _is_preview(reading: Reading) -> bool:
    """Whether a command that is not quite plain is answered all the same: the plan of a freeze asks by itself, and what
    is said about one's own plan of a migration touches no cloud, and is taken back by a button."""
    if reading.ask is None or reading.ask.why != "confirm" or reading.mood != "command" or _TOLD.match(reading.text):
        return False
    return reading.intent == "freeze" or (reading.intent in (*PLANNING, *_BUILDING) and reading.confidence >= _SURE)


def _states(error: NotApplicableError) -> tuple[Text, ...]:
    if error.name == "state" and error.kind.states:
        return (Text(f"{error.kind.plural} can be: {', '.join(error.kind.states)}."),)
    return ()


def _place(message: Message, reply: Reply) -> dict[str, object]:
    """Where it was said and by which account, and who read the answer: for the record."""
    if message.channel is None:
        return {}
    channel = message.channel
    return {
        "surface": channel.surface, "channel": channel.id, "account": message.account, "readers": channel.readers,
        "private": reply.private,
    }  # fmt: skip


_SURE = 0.8
_TOLD = re.compile(r"[^:]{1,60}\b(?:says|said|writes|wrote|asks|asked|tells|told|ticket[^:]*)\s*:", re.IGNORECASE)
_BUILDING = ("cohort_build", "wave_build")
_SAME_ANSWER = ("migration_summary", "migration_list")


def _apart_from_files(message: Message, readings: Sequence[Reading], rules: bool, exports: bool) -> Sequence[Reading]:
    """What is to be answered beside the files: words around an export may ask for nothing, or for its card."""
    if (rules or exports) and not message.text.strip():
        return ()
    if not exports:
        return readings
    return [one for one in readings if one.intent is not None and one.intent not in _SAME_ANSWER and one.ask is None]


async def _export(conn: AsyncConnection, message: Message, begun: Begun) -> _Answered:
    """How far an export is, or what came of it."""
    if begun.import_id is None:
        return _Answered(Reading(message.text), no_export(begun.upload.name, begun.needs), 0)
    found = await migration_imports.load(conn, begun.import_id)
    if found is None:
        return _Answered(Reading(message.text), failure(message.id), 0)
    now = datetime.now(UTC)  # the reader's own signs of life are by this clock
    reply, ended, _ = await import_reply(conn, found, now)
    took = found.ended_at - found.begun_at if ended and found.ended_at else now - found.begun_at
    slots = {"migration": reply.slots["migration"]} if "migration" in reply.slots else {}
    reading = Reading(message.text, "migration_summary", slots, source="file")
    return _Answered(reading, reply, round(took.total_seconds() * 1000))


def _files_not_read(message: Message) -> Reply:
    names = ", ".join(file.name for file in message.files)
    return Reply(
        (
            Text(f"I have received {names}, but I cannot read such files.", "heading"),
            Text("Nothing was kept of them."),
        ),
        "failed",
    )
