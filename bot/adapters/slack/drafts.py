"""What is to be said, as messages of the outbox: the operations that the carrier knows how to send."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.adapters.slack.blocks import Attachment, Post
from bot.adapters.slack.escaping import escape
from bot.adapters.slack.hearing import Heard
from bot.deciding import without_marks
from storage.follows import Followed
from storage.outbox import Draft

_MOST_BLOCKS = 50
_MOST_WEIGHT = 12_000  # characters of JSON: fuller messages are near Slack's limit
_MOST_SAID = 300

POST, EPHEMERAL, UPDATE, UPLOAD, HOME = (
    "chat.postMessage",
    "chat.postEphemeral",
    "chat.update",
    "files.completeUploadExternal",
    "views.publish",
)


def where(heard: Heard) -> dict[str, Any]:
    """The place of the answer: a channel and perhaps a thread, or a person's direct messages."""
    if not heard.channel:
        return {"user": heard.user}
    return {"channel": heard.channel, **({"thread_ts": heard.thread} if heard.thread else {})}


def post(heard: Heard, key: str, said: Post) -> Draft:
    """In the thread; or for the person's eyes only, where they gave a command."""
    body = {**where(heard), "text": said.text, "blocks": list(said.blocks), "asker": heard.user}
    method = EPHEMERAL if heard.alone else POST
    return Draft(heard.conversation, key, {"op": method, **body}, _lane(body), method)


def privately(heard: Heard, key: str, said: Post) -> Draft:
    """In the person's direct messages, wherever it was asked."""
    body = {"op": POST, "user": heard.user, "text": said.text, "blocks": list(said.blocks)}
    if heard.direct:
        body |= where(heard)
    return Draft(heard.conversation, key, body, _lane(body), POST)


def update(draft: Draft, of: str) -> Draft:
    """The same content in the place of an earlier message, whose key is `of`."""
    return replace(draft, body={**draft.body, "op": UPDATE, "of": of}, method=UPDATE)


def edit(held: Followed, said: Post) -> Draft:
    """What a message that follows something says now, under the line on who asked, if it has one."""
    blocks = [*_lead(held.body), *said.blocks]
    body = {**held.body, "op": UPDATE, "of": held.key, "text": said.text, "blocks": blocks}
    return Draft(held.conversation, f"{held.key}:progress", body, held.lane, UPDATE)


def _lead(body: Mapping[str, Any]) -> list[Any]:
    first = body["blocks"][0]
    if body.get("led"):
        return [first]
    elements = first.get("elements") or [{}]
    return [first] if elements[0].get("text") == f"<@{body.get('asker')}>" else []


def upload(heard: Heard, key: str, file: Attachment, person: str, *, private: bool) -> Draft:
    """A file that is stored for the person; its content is read when it is sent."""
    body: dict[str, Any] = {"op": UPLOAD, "file": file.id, "person": person, "name": file.name}
    body |= {"title": file.title, "alt": file.alt}
    body |= {"user": heard.user} if (private or heard.alone) and not heard.direct else where(heard)
    return Draft(heard.conversation, key, body, _lane(body), UPLOAD)


def home(team: str, user: str, key: str, view: Mapping[str, Any]) -> Draft:
    body = {"op": HOME, "user": user, "view": dict(view)}
    return Draft(f"home:{team}:{user}", key, body, f"home:{user}", HOME)


def asked_by(heard: Heard, said: Post) -> Post:
    """With a line on who asked what, where others only see that a button was pressed."""
    is_full = len(said.blocks) >= _MOST_BLOCKS or len(json.dumps(said.blocks)) > _MOST_WEIGHT
    if not heard.clicked or heard.direct or heard.alone or is_full:
        return said
    words = {"type": "plain_text", "text": escape(without_marks(heard.text)[:_MOST_SAID]) or "…", "emoji": False}
    block = {"type": "context", "elements": [{"type": "mrkdwn", "text": f"<@{heard.user}>"}, words]}
    return Post(said.text, (block, *said.blocks))


def _lane(body: Mapping[str, Any]) -> str:
    return str(body.get("channel") or f"user:{body['user']}")


def plain_post(text: str) -> Post:
    """A short message of our own."""
    shown = {"type": "plain_text", "text": escape(text), "emoji": False}
    return Post(escape(text), ({"type": "section", "text": shown},))


def keys(key: str, count: int) -> Sequence[str]:
    """One for each message that comes of a delivery: the same whenever it is worked off again."""
    return [f"{key}#{number}" for number in range(count)]
