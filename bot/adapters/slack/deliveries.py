"""What Slack delivers, made ready for the inbox: what it is, which conversation it belongs to, by what it is known.

A payload is trusted to come from Slack, not to have any shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.adapters.slack import SURFACE
from bot.adapters.slack.texts import mentions
from storage.inbox import Incoming

MOST_CHARACTERS = 4000
_PEOPLES = (None, "file_share", "thread_broadcast")  # subtypes of messages that a person wrote anew
_ID_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Ignored:
    """Acknowledged, and nothing comes of it; `reason` is one fixed word."""

    reason: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Whom a payload says to be from: the workspace and the app."""

    team: str
    app: str


def conversation(team: str, channel: str, thread: str) -> str:
    """`thread` is the ts of its first message; empty for a direct message outside a thread."""
    return f"{SURFACE}:{team}:{channel}:{thread}"


def origin(payload: Mapping[str, Any]) -> Origin:
    team = text_of(payload, "team_id") or text_of(payload, "team", "id")
    return Origin(team or text_of(payload, "view", "team_id"), text_of(payload, "api_app_id"))


def text_of(value: Any, *path: str) -> str:
    """The text at a path, empty when there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


def items_of(value: Any, name: str) -> list[Mapping[str, Any]]:
    """The objects in a list of that name."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def said_length(payload: Mapping[str, Any]) -> int:
    """Characters of what a person said; a clicked message, which is our own, does not count."""
    said = [text_of(payload, "event", "text"), text_of(payload, "text") if "command" in payload else ""]
    said += [text_of(action, "value") for action in items_of(payload, "actions")]
    return max(map(len, said))


def read(payload: Mapping[str, Any]) -> Incoming | Ignored:
    """What to keep of it."""
    if text_of(payload, "command"):
        return _command(payload)
    match text_of(payload, "type"):
        case "event_callback":
            return _event(payload)
        case "block_actions":
            return _click(payload)
        case "message_action" | "shortcut" | "view_submission":
            return _triggered(payload)
    return Ignored("kind")


def _event(payload: Mapping[str, Any]) -> Incoming | Ignored:
    event = payload.get("event")
    match text_of(event, "type"):
        case "message" | "app_mention":
            return _message(payload, event)
        case "app_home_opened" if text_of(event, "tab") == "home":
            return _opened(payload, text_of(event, "user"), "home", text_of(event, "user"))
        case "assistant_thread_started":
            thread = event.get("assistant_thread") if isinstance(event, Mapping) else None
            user = text_of(thread, "user_id")
            return _opened(payload, user, text_of(thread, "channel_id"), text_of(thread, "thread_ts"))
    return Ignored("event")


def _message(payload: Mapping[str, Any], event: Any) -> Incoming | Ignored:
    """Only what is said to the bot: a direct message, a mention, or perhaps a follow-up in a thread."""
    team, user, channel, ts = origin(payload).team, *(text_of(event, name) for name in ("user", "channel", "ts"))
    bot = bot_user(payload)
    if text_of(event, "bot_id") or not user or user in (bot, "USLACKBOT"):
        return Ignored("bot")
    if event.get("subtype") not in _PEOPLES or event.get("hidden"):
        return Ignored("subtype")
    if not (channel and ts) or max(map(len, (channel, ts, user))) > _ID_LENGTH:
        return Ignored("shape")
    direct, thread = is_direct(event), text_of(event, "thread_ts")
    addressed = direct or text_of(event, "type") == "app_mention" or mentions(text_of(event, "text"), bot)
    if not addressed and not thread:
        return Ignored("not_addressed")
    where = conversation(team, channel, thread or ("" if direct else ts))
    # A mention comes twice, as a message and as app_mention: one message is one key.
    return Incoming(f"{team}:message:{channel}:{ts}", where, f"{team}/{user}", _kept(payload), not addressed)


def is_direct(event: Any) -> bool:
    """Between one person and the bot."""
    kind = text_of(event, "channel_type")
    return kind == "im" or (not kind and text_of(event, "channel").startswith("D"))


def bot_user(payload: Mapping[str, Any]) -> str:
    """The bot's user id, as Slack tells it beside each event."""
    found = (text_of(one, "user_id") for one in items_of(payload, "authorizations") if one.get("is_bot"))
    return next(found, "")


def _opened(payload: Mapping[str, Any], user: str, channel: str, thread: str) -> Incoming | Ignored:
    team, event_id = origin(payload).team, text_of(payload, "event_id")
    if not (user and channel and event_id):
        return Ignored("shape")
    where = conversation(team, channel, thread)
    return Incoming(f"{team}:event:{event_id}", where, f"{team}/{user}", _kept(payload))


def _click(payload: Mapping[str, Any]) -> Incoming | Ignored:
    """A click has no id of its own: the message, the moment and the person are one."""
    team, user = origin(payload).team, text_of(payload, "user", "id")
    moment = next((text_of(action, "action_ts") for action in items_of(payload, "actions")), "")
    ts = text_of(payload, "container", "message_ts") or text_of(payload, "container", "view_id")
    if not (user and ts and moment):
        return Ignored("shape")
    key = f"{team}:click:{ts}:{moment}:{user}"
    return Incoming(key, clicked_conversation(payload), f"{team}/{user}", _kept(payload))


def clicked_conversation(payload: Mapping[str, Any]) -> str:
    """The thread of the clicked message; the person's own conversation in that channel when only they see it."""
    team, user = origin(payload).team, text_of(payload, "user", "id")
    channel = text_of(payload, "channel", "id") or text_of(payload, "container", "channel_id") or "home"
    if channel == "home" or is_ephemeral(payload):
        return conversation(team, channel, user)
    return conversation(team, channel, clicked_thread(payload))


def is_ephemeral(payload: Mapping[str, Any]) -> bool:
    container = payload.get("container")
    return isinstance(container, Mapping) and container.get("is_ephemeral") is True


def clicked_thread(payload: Mapping[str, Any]) -> str:
    thread = text_of(payload, "message", "thread_ts") or text_of(payload, "container", "thread_ts")
    direct = text_of(payload, "channel", "id").startswith("D")
    return thread or ("" if direct else text_of(payload, "container", "message_ts"))


def _command(payload: Mapping[str, Any]) -> Incoming | Ignored:
    team, user, channel, trigger = (
        text_of(payload, name) for name in ("team_id", "user_id", "channel_id", "trigger_id")
    )
    if not (user and channel and trigger):
        return Ignored("shape")
    where = conversation(team, channel, "" if channel.startswith("D") else user)
    return Incoming(f"{team}:command:{trigger}", where, f"{team}/{user}", _kept(payload))


def _triggered(payload: Mapping[str, Any]) -> Incoming | Ignored:
    """A shortcut on a message, or a form that was sent."""
    team, user, trigger = origin(payload).team, text_of(payload, "user", "id"), text_of(payload, "trigger_id")
    if not (user and trigger):
        return Ignored("shape")
    key = f"{team}:trigger:{trigger}"
    return Incoming(key, conversation(team, "form", user), f"{team}/{user}", _kept(payload))


def _kept(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Without what could be used to act for somebody else, and without our own long message around a click."""
    left_out = ("token", "response_url", "response_urls", "message", "state")
    kept = {name: value for name, value in payload.items() if name not in left_out}
    event, message = payload.get("event"), payload.get("message")
    if isinstance(event, Mapping):
        kept["event"] = {name: value for name, value in event.items() if name not in ("blocks", "attachments")}
    if isinstance(message, Mapping):
        kept["message"] = {name: message[name] for name in ("ts", "thread_ts", "user") if name in message}
    return kept
