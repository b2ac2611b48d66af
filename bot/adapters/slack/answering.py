"""What is said in return: the person is recognised, the pipeline answers, the answer becomes messages of the outbox."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TypeVar

import structlog

from bot.accounts import Account, recognise
from bot.adapters import Answerer, failure
from bot.adapters.slack import SURFACE, drafts
from bot.adapters.slack.blocks import Attachment, Rendered, render
from bot.adapters.slack.directory import Directory, Readers
from bot.adapters.slack.downloads import DownloadError
from bot.adapters.slack.editing import in_one, with_address
from bot.adapters.slack.files import Files
from bot.adapters.slack.hearing import Heard
from bot.followed import lasts
from bot.messages import Channel, Message, Upload
from bot.misunderstandings import too_long
from bot.pipeline import MOST_CHARACTERS
from bot.receiving import TryAgain
from bot.replies import Reply, Text
from bot.sending import HeldError, LostError
from storage import audit, exchanges, outbox
from storage.database import Database
from storage.outbox import Draft

log = structlog.get_logger(__name__)
_T = TypeVar("_T")

_SLOW_S = 3.0
_WORKING = "Working on it …"
_DONE = "Done."
_PRIVATE = "I have answered you in a direct message: the answer is not for everybody here."


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """What answering needs of the rest. `told` is called when there is something to send at once."""

    database: Database
    answerer: Answerer
    directory: Directory
    files: Files
    told: Callable[[], None]
    match_email: bool = False
    clock: Callable[[], datetime] = _now
    slow_s: float = _SLOW_S
    page_url: str = ""


class Answering:
    """One for the process; it keeps nothing of what was said."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def answer(self, heard: Heard) -> list[Draft]:
        """Raises TryAgain when Slack does not tell who it was."""
        person = await self.person(heard)
        if person is None:
            return []
        if isinstance(person, Reply):
            return await self._refused(heard, person)
        readers: Readers = "asker" if heard.direct or heard.alone else await self._readers(heard)
        uploads, failed = await self._uploads(heard)
        message = Message(
            heard.key, person, heard.conversation, heard.text, heard.at, uploads,
            Channel(SURFACE, heard.channel or heard.user, readers), heard.account, redraws=True,
        )  # fmt: skip
        replies, working = await self._patiently(heard, message)
        return await self._drafts(heard, person, (*replies, *failed), working)

    async def unseen(self, heard: Heard) -> Reply:
        """One answer that goes into no message. Raises TryAgain when Slack does not tell who it was."""
        person = await self.person(heard)
        if person is None or isinstance(person, Reply):
            return person or failure(heard.key)
        message = Message(
            heard.key, person, heard.conversation, heard.text, heard.at, (),
            Channel(SURFACE, heard.channel or heard.user, "asker"), heard.account, unseen=True,
        )  # fmt: skip
        return (await self._parts.answerer.answer(message))[0]

    async def person(self, heard: Heard) -> str | Reply | None:
        """The person's id, or why there is none; None for a bot, which is not answered."""
        try:
            user = await self._parts.directory.user(heard.user)
        except (HeldError, LostError) as error:
            raise TryAgain(str(error)) from None
        if not user.human:
            return None
        account = Account(SURFACE, heard.account, user.name, user.email, user.guest or heard.stranger)
        said = heard.text if heard.direct or heard.alone else ""  # a code that others read links nobody
        now = self._parts.clock()
        return await recognise(self._parts.database, account, said, match_email=self._parts.match_email, now=now)

    async def _refused(self, heard: Heard, reply: Reply) -> list[Draft]:
        """Privately, and the same thing at most once an hour, however often somebody asks."""
        if reply.outcome == "not_allowed":
            await self._record_refusal(heard)
        rendered = await asyncio.to_thread(render, reply, now=self._parts.clock())
        hour = self._parts.clock().strftime("%Y%m%d%H")
        text = "".join(post.text for post in rendered.posts)
        key = f"refused:{heard.account}:{hour}:{_digest(text)}"
        told = [drafts.privately(heard, one, post) for one, post in _numbered(key, rendered.posts)]
        return [replace(draft, conversation=f"refused:{heard.account}") for draft in told]

    async def _record_refusal(self, heard: Heard) -> None:
        detail = {"surface": SURFACE, "channel": heard.channel, "account": heard.account}
        detail["conversation"] = heard.conversation
        now = self._parts.clock()
        async with self._parts.database.begin() as conn:
            await audit.record(conn, person="", action="message.refused", outcome="not_allowed", detail=detail, at=now)

    async def _readers(self, heard: Heard) -> Readers:
        try:
            return await self._parts.directory.readers(heard.team, heard.channel)
        except (HeldError, LostError) as error:  # nobody knows who reads it: as if guests did
            log.warning("readers.unknown", channel=heard.channel, reason=str(error))
            return "guests"

    async def _uploads(self, heard: Heard) -> tuple[tuple[Upload, ...], tuple[Reply, ...]]:
        try:
            return await self._parts.files.uploads(heard.files), ()
        except DownloadError as error:
            lead = Text("I could not fetch the file of your message.", "heading")
            return (), (Reply((lead, Text(f"{str(error)[0].upper()}{str(error)[1:]}.")), "failed"),)
        except (HeldError, LostError) as error:
            raise TryAgain(str(error)) from None

    async def _patiently(self, heard: Heard, message: Message) -> tuple[Sequence[Reply], str]:
        """The replies; and the key of the message that says to wait, where it took long and one was written."""
        if heard.length:
            return (too_long(heard.length, MOST_CHARACTERS),), ""
        if not message.text and not message.files:
            if heard.files:  # which could not be fetched: that is the answer
                return (), ""
            message = replace(message, text="help")
        answering = asyncio.ensure_future(self._parts.answerer.answer(message))
        working = _working(heard)
        try:
            done, _ = await asyncio.wait({answering}, timeout=self._parts.slow_s)
            if not done and not heard.alone:
                await self._say_working(heard, working)
            replies = await answering
        finally:
            answering.cancel()
        async with self._parts.database.connect() as conn:
            return replies, working if await outbox.knows(conn, SURFACE, working) else ""

    async def _say_working(self, heard: Heard, key: str) -> None:
        async with self._parts.database.begin() as conn:
            await outbox.enqueue(conn, SURFACE, drafts.post(heard, key, drafts.plain_post(_WORKING)))
        self._parts.told()

    async def _drafts(self, heard: Heard, person: str, replies: Sequence[Reply], working: str) -> list[Draft]:
        told: list[Draft] = []
        for number, reply in enumerate(replies):
            rendered = await self._rendered(heard, reply)
            one = await self._one(heard, person, f"{heard.key}#{number}", reply.private, rendered)
            told += _following(heard, one, reply.follows)
        if working:
            place = next(
                (at for at, one in enumerate(told) if one.body["op"] == drafts.POST and _is_here(heard, one)), -1
            )
            if place < 0:
                told.append(drafts.post(heard, f"{heard.key}#done", drafts.plain_post(_DONE)))
            told[place] = drafts.update(told[place], working)
        return told

    async def _rendered(self, heard: Heard, reply: Reply) -> Rendered:
        try:
            drawn = in_one if lasts(reply.follows) else render  # what is edited as a whole is one message
            shown = with_address(reply, self._parts.page_url)
            return await asyncio.to_thread(drawn, shown, now=self._parts.clock())
        except Exception:
            log.exception("reply.not_rendered", key=heard.key)
            return await asyncio.to_thread(render, failure(heard.key), now=self._parts.clock())

    async def _one(self, heard: Heard, person: str, key: str, private: bool, rendered: Rendered) -> list[Draft]:
        """The messages of one reply: its posts, then its files; a private one with a note where it was asked."""
        private = private and not heard.direct and not heard.alone
        if private and heard.clicked and not rendered.files:  # shown where it was pressed, to whoever pressed it
            heard, private = replace(heard, alone=True), False
        told: list[Draft] = []
        for at, said in _numbered(key, rendered.posts):
            if private:
                told.append(drafts.privately(heard, at, said))
            else:
                first = not told
                told.append(drafts.post(heard, at, drafts.asked_by(heard, said) if first else said))
        for at, file in _numbered(f"{key}:file", await self._kept(person, rendered.files)):
            told.append(drafts.upload(heard, at, file, person, private=private))
        if private:
            told.append(drafts.post(heard, f"{key}:note", drafts.plain_post(_PRIVATE)))
        return told

    async def _kept(self, person: str, files: Sequence[Attachment]) -> Sequence[Attachment]:
        """Each file with the id under which it is stored until it is sent."""
        fresh = [file for file in files if not file.id]
        if not fresh:
            return files
        async with self._parts.database.begin() as conn:
            ids = {
                id(file): await exchanges.store_file(conn, person, file.name, file.mime, file.content) for file in fresh
            }
        return [replace(file, id=ids.get(id(file), file.id)) for file in files]


def excuse(heard: Heard) -> list[Draft]:
    """What is said when answering failed for good, in the place of a word that said to wait."""
    said = render(failure(heard.key), now=_now()).posts
    first, *rest = [drafts.post(heard, key, post) for key, post in _numbered(f"{heard.key}:failed", said)]
    return [first if heard.alone else drafts.update(first, _working(heard)), *rest]


def _working(heard: Heard) -> str:
    """The key of the message that says to wait."""
    return f"{heard.key}#working"


def _following(heard: Heard, told: list[Draft], refs: tuple[str, ...]) -> list[Draft]:
    """The first message goes on telling, where it can be edited and was not brought elsewhere."""
    if not refs or not told or told[0].body["op"] != drafts.POST or not _is_here(heard, told[0]):
        return told
    return [replace(told[0], follows=refs), *told[1:]]


def _is_here(heard: Heard, draft: Draft) -> bool:
    return all(draft.body.get(name) == value for name, value in drafts.where(heard).items())


def _numbered(key: str, items: Sequence[_T]) -> Sequence[tuple[str, _T]]:
    return [(f"{key}.{number}", item) for number, item in enumerate(items)]


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
