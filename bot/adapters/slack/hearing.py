"""A delivery of the inbox as something that a person said: who, where, in which thread, to be answered where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.adapters.slack import deliveries as d
from bot.adapters.slack.edge import LENGTH
from bot.adapters.slack.texts import plain

Read = Callable[[str, str, Mapping[str, Any], datetime], "Heard | None"]
"""Key, conversation, body and time of a delivery → what was heard."""


@dataclass(frozen=True, slots=True)
class Heard:
    """`thread` is where the answer goes, empty outside threads. `alone`: the answer is shown to the person only,
    in the channel. `clicked`: it was said by a button or a menu. `stranger`: of another workspace. `length` is that
    of a text which was too long to be kept, else 0."""

    key: str
    team: str
    user: str
    channel: str
    conversation: str
    text: str
    at: datetime
    thread: str = ""
    direct: bool = False
    alone: bool = False
    clicked: bool = False
    stranger: bool = False
    files: tuple[str, ...] = ()
    length: int = 0

    @property
    def account(self) -> str:
        return f"{self.team}/{self.user}"


def message(key: str, where: str, body: Mapping[str, Any], at: datetime) -> Heard:
    event = body.get("event")
    team, user, channel = d.origin(body).team, d.text_of(event, "user"), d.text_of(event, "channel")
    direct = d.is_direct(event)
    home = {d.text_of(event, name) for name in ("team", "user_team", "source_team")} - {"", team}
    return Heard(
        key,
        team,
        user,
        channel,
        where,
        plain(d.text_of(event, "text"), d.bot_user(body)),
        at,
        thread=d.text_of(event, "thread_ts") or ("" if direct else d.text_of(event, "ts")),
        direct=direct,
        stranger=bool(home),
        files=tuple(d.text_of(one, "id") for one in d.items_of(event, "files")),
        length=_length(body),
    )


def command(key: str, where: str, body: Mapping[str, Any], at: datetime) -> Heard:
    user, channel = d.text_of(body, "user_id"), d.text_of(body, "channel_id")
    direct = channel.startswith("D")
    text = plain(d.text_of(body, "text")) or "help"
    team = d.origin(body).team
    return Heard(key, team, user, channel, where, text, at, direct=direct, alone=not direct, length=_length(body))


def click(key: str, where: str, body: Mapping[str, Any], at: datetime) -> Heard | None:
    """None when what was clicked says nothing. From the home tab, the answer is a direct message."""
    action = next(iter(d.items_of(body, "actions")), {})
    said = d.text_of(action, "value") or d.text_of(action, "selected_option", "value")
    length = _length(body)
    if not said and not length:
        return None
    team, user, channel = d.origin(body).team, d.text_of(body, "user", "id"), d.text_of(body, "channel", "id")
    direct, alone = not channel or channel.startswith("D"), d.is_ephemeral(body)
    home = d.text_of(body, "user", "team_id")
    return Heard(
        key,
        team,
        user,
        channel,
        where,
        said.strip(),
        at,
        thread="" if alone or not channel else d.clicked_thread(body),
        direct=direct,
        alone=alone and not direct,
        clicked=True,
        stranger=bool(home) and home != team,
        length=length,
    )


def _length(body: Mapping[str, Any]) -> int:
    length = body.get(LENGTH)
    return length if isinstance(length, int) else 0


def said_at(body: Mapping[str, Any], received_at: datetime) -> datetime:
    """When it was said, as far as Slack tells it; never later than it was received."""
    told = body.get("event_time")
    if not isinstance(told, int) or not 0 < told < received_at.timestamp():
        return received_at
    return datetime.fromtimestamp(told, UTC)
