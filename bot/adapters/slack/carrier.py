"""How each kind of message is sent to Slack, and how one is found again whose sender died in the middle."""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack import SURFACE, drafts
from bot.adapters.slack.calls import calling
from bot.adapters.slack.deliveries import items_of, text_of
from bot.adapters.slack.directory import Directory
from bot.sending import HeldError, LostError, Note, Posted, RefusedError
from storage import exchanges, outbox
from storage.database import Database
from storage.outbox import Draft, Outgoing

_SKEW = timedelta(minutes=5)  # between the clock of the database and Slack's
_MOST_PAGES = 10
_PAGE = 200
_UPLOAD_S = 60.0
_NOT_THERE = frozenset({
    "channel_not_found", "not_in_channel", "is_archived", "user_not_in_channel", "restricted_action",
    "restricted_action_read_only_channel", "restricted_action_thread_only_channel", "thread_not_found",
    "restricted_action_non_threadable_channel", "restricted_action_thread_locked",
})  # fmt: skip
_WRONG_SHAPE = frozenset({
    "invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text", "too_many_attachments",
    "invalid_arguments", "block_mismatch", "attachment_payload_limit_exceeded",
})  # fmt: skip
_NOT_SHOWN = "This answer cannot be shown in Slack; ask again for less of it, or on Stackhand's page."


class SlackCarrier:
    """A Carrier. Messages bear the digest of their key in the block_id of the first block: by it they are found."""

    def __init__(self, client: AsyncWebClient, database: Database, directory: Directory) -> None:
        self._client = client
        self._database = database
        self._directory = directory

    async def carry(self, message: Outgoing, note: Note) -> Posted:
        try:
            return await self._carry(message, note)
        except RefusedError as refusal:
            raise RefusedError(refusal.reason, instead(message, refusal.reason)) from None

    async def _carry(self, message: Outgoing, note: Note) -> Posted:
        body = message.body
        match body["op"]:
            case drafts.UPDATE:
                return await self._update(message)
            case drafts.EPHEMERAL:
                channel = await self._channel(body)
                place: dict[str, Any] = {"channel": channel, "user": body["asker"], **_thread(body)}
                call = self._client.chat_postEphemeral(**place, text=body["text"], blocks=list(body["blocks"]))
                await calling(drafts.EPHEMERAL, call)
                return {"channel": channel}
            case drafts.UPLOAD:
                return await self._upload(message, note)
            case drafts.HOME:
                view = self._client.views_publish(user_id=body["user"], view=dict(body["view"]))
                await calling(drafts.HOME, view)
                return {"user": body["user"]}
        return await self._post(message)

    async def _channel(self, body: Mapping[str, Any]) -> str:
        return str(body.get("channel") or await self._directory.direct(str(body["user"])))

    async def _post(self, message: Outgoing) -> Posted:
        body = message.body
        channel = await self._channel(body)
        call = self._client.chat_postMessage(
            channel=channel, text=body["text"], blocks=marked(message), unfurl_links=False, unfurl_media=False,
            mrkdwn=False, link_names=False, **_thread(body),
        )  # fmt: skip
        answer = await calling(drafts.POST, call)
        return {"channel": answer["channel"], "ts": answer["ts"]}

    async def _update(self, message: Outgoing) -> Posted:
        """In the place of the earlier message; as a message of its own when that was never posted."""
        earlier = message.posted  # of an earlier edit, which may have become a message of its own
        if earlier is None:
            async with self._database.connect() as conn:
                earlier = await outbox.posted_as(conn, SURFACE, message.body["of"])
        if earlier is None or not earlier.get("ts"):
            return await self._post(message)
        call = self._client.chat_update(
            channel=earlier["channel"], ts=earlier["ts"], text=message.body["text"], blocks=marked(message)
        )
        try:
            await calling(drafts.UPDATE, call)
        except RefusedError as refusal:
            if refusal.reason not in ("message_not_found", "cant_update_message", "edit_window_closed"):
                raise
            return await self._post(message)
        return {"channel": earlier["channel"], "ts": earlier["ts"]}

    async def _upload(self, message: Outgoing, note: Note) -> Posted:
        body = message.body
        async with self._database.connect() as conn:
            file = await exchanges.load_file(conn, body["file"], body["person"])
        if file is None:
            raise RefusedError("file_expired")
        channel = await self._channel(body)
        length, name = len(file.content), str(body["name"])
        asked = self._client.files_getUploadURLExternal(filename=name, length=length, alt_txt=body["alt"] or None)
        place = await calling("files.getUploadURLExternal", asked)
        await _put(place["upload_url"], file.content)
        await note({"file": place["file_id"], "channel": channel})
        done = self._client.files_completeUploadExternal(
            files=[{"id": place["file_id"], "title": body["title"]}], channel_id=channel, **_thread(body)
        )
        await calling(drafts.UPLOAD, done)
        return {"file": place["file_id"], "channel": channel}

    async def find(self, message: Outgoing) -> Posted | None:
        """An edit or a home tab is sent again, which changes nothing; so is what only one person sees for a while."""
        match message.body["op"]:
            case drafts.POST | drafts.UPDATE:
                return await self._find_post(message)
            case drafts.UPLOAD:
                return await self._find_file(message)
        return None

    async def _find_post(self, message: Outgoing) -> Posted | None:
        since = (message.unsure_since or message.created_at) - _SKEW
        channel = await self._channel(message.body)
        place: dict[str, Any] = {"channel": channel, "oldest": f"{since.timestamp():.6f}", "limit": _PAGE}
        thread, cursor = message.body.get("thread_ts"), ""
        for _ in range(_MOST_PAGES):
            if thread:
                page = await calling(
                    "conversations.replies", self._client.conversations_replies(ts=thread, cursor=cursor, **place)
                )
            else:
                page = await calling(
                    "conversations.history", self._client.conversations_history(cursor=cursor, **place)
                )
            for one in items_of(page, "messages"):
                if any(text_of(block, "block_id") == _mark(message) for block in items_of(one, "blocks")[:1]):
                    return {"channel": channel, "ts": text_of(one, "ts")}
            cursor = text_of(page.get("response_metadata"), "next_cursor")
            if not cursor:
                return None
        raise LostError("too many messages to look through", unsure=True)

    async def _find_file(self, message: Outgoing) -> Posted | None:
        """Whether the file of the earlier attempt was shared; one that was only uploaded is nowhere to be seen."""
        if not message.posted:
            return None
        try:
            answer = await calling("files.info", self._client.files_info(file=message.posted["file"]))
        except RefusedError:
            return None
        told = answer.get("file")
        shared = {place for name in ("channels", "groups", "ims") for place in (told or {}).get(name) or ()}
        return message.posted if message.posted["channel"] in shared else None


def _mark(message: Outgoing) -> str:
    return f"out-{sha256(message.key.encode()).hexdigest()[:20]}-{message.version}"


def marked(message: Outgoing) -> list[dict[str, Any]]:
    """The blocks with the mark in the first."""
    first, *rest = message.body["blocks"]
    return [{**first, "block_id": _mark(message)}, *rest]


def _thread(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"thread_ts": body["thread_ts"]} if body.get("thread_ts") else {}


def instead(message: Outgoing, reason: str) -> Draft | None:
    """What takes the place of a message that Slack refuses: the direct messages of the asker, or plain words."""
    body = message.body
    if body.get("instead") or body["op"] not in (drafts.POST, drafts.UPDATE, drafts.EPHEMERAL):
        return None
    other = {**body, "instead": True, "op": drafts.POST}
    if reason in _NOT_THERE and body.get("asker"):
        other = {name: value for name, value in other.items() if name not in ("channel", "thread_ts", "of")}
        other["user"] = body["asker"]
    elif reason in _WRONG_SHAPE:
        said = drafts.plain_post(_NOT_SHOWN)
        other |= {"text": said.text, "blocks": list(said.blocks), "op": body["op"]}
    else:
        return None
    lane = str(other.get("channel") or f"user:{other['user']}")
    return Draft(message.conversation, f"{message.key}:instead", other, lane, str(other["op"]))


async def _put(url: str, content: bytes) -> None:
    """The bytes go where Slack said, without the token: the address itself is the permission."""
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=_UPLOAD_S)) as session,
            session.post(url, data=content, allow_redirects=False) as answer,
        ):
            if answer.status == 429:
                raise HeldError("files.getUploadURLExternal", 1.0)
            if answer.status != 200:
                raise LostError(f"upload: {answer.status}", unsure=False)
    except (ClientConnectorError, ClientError, TimeoutError, OSError) as error:
        raise LostError(f"upload: {type(error).__name__}", unsure=False) from None
