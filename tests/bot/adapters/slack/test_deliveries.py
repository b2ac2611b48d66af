"""What is kept of a payload, and what is not."""

from typing import Any

import pytest

from bot.adapters.slack import hearing
from bot.adapters.slack.deliveries import Ignored, read
from storage.inbox import Incoming
from tests.bot.adapters.slack.small_slack import APP, BOT, TEAM

BASE: dict[str, Any] = {"type": "message", "user": "UALICE", "channel": "C1", "channel_type": "channel", "ts": "1.1"}


def event(**more: Any) -> dict[str, Any]:
    return {
        "type": "event_callback", "team_id": TEAM, "api_app_id": APP, "event_id": "Ev1",
        "event": {name: value for name, value in {**BASE, **more}.items() if value is not None},
        "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "conversation", "follow_up"),
    [
        ({"text": f"<@{BOT}> hi"}, "C1:1.1", False),
        ({"text": f"<@{BOT}> hi", "thread_ts": "0.9"}, "C1:0.9", False),
        ({"text": "and then?", "thread_ts": "0.9"}, "C1:0.9", True),
        ({"type": "app_mention", "channel_type": None, "text": "hi"}, "C1:1.1", False),
        ({"text": "hi", "channel": "D1", "channel_type": "im"}, "D1:", False),
        ({"text": "hi", "channel": "D1", "channel_type": "im", "thread_ts": "0.9"}, "D1:0.9", False),
        ({"text": "", "channel": "D1", "channel_type": "im", "subtype": "file_share"}, "D1:", False),
        ({"text": f"<@{BOT}> hi", "channel": "G1", "channel_type": "mpim"}, "G1:1.1", False),
        ({"text": f"<@{BOT}> hi", "subtype": "thread_broadcast", "thread_ts": "0.9"}, "C1:0.9", False),
    ],
)
def test_what_is_said_to_the_bot(more: dict[str, Any], conversation: str, follow_up: bool) -> None:
    found = read(event(**more))
    assert isinstance(found, Incoming)
    assert found.conversation == f"slack:{TEAM}:{conversation}" and found.follow_up is follow_up
    assert found.sender == f"{TEAM}/UALICE" and found.key.endswith(":1.1")


_SUBTYPES = (
    "message_changed", "message_deleted", "message_replied", "bot_message", "channel_join", "channel_leave",
    "channel_topic", "channel_purpose", "channel_name", "channel_archive", "pinned_item", "me_message",
    "ekm_access_denied", "reminder_add", "assistant_app_thread", "document_mention", "of_the_future",
)  # fmt: skip


@pytest.mark.parametrize("subtype", _SUBTYPES)
def test_every_other_subtype_starts_nothing(subtype: str) -> None:
    for channel, kind in (("C1", "channel"), ("D1", "im")):
        found = read(event(subtype=subtype, channel=channel, channel_type=kind, text=f"<@{BOT}> restore web-01"))
        assert isinstance(found, Ignored), subtype


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"bot_id": "B9", "text": f"<@{BOT}> hi"}, "bot"),
        ({"user": BOT, "text": "hi", "channel_type": "im"}, "bot"),
        ({"user": "USLACKBOT", "text": "hi", "channel_type": "im"}, "bot"),
        ({"user": None, "text": f"<@{BOT}> hi"}, "bot"),
        ({"user": ["U1"], "text": f"<@{BOT}> hi"}, "bot"),
        ({"text": "among ourselves"}, "not_addressed"),
        ({"text": "<@U9> hi"}, "not_addressed"),
        ({"hidden": True, "text": f"<@{BOT}> hi"}, "subtype"),
        ({"ts": None, "text": f"<@{BOT}> hi"}, "shape"),
        ({"ts": "1" * 99, "text": f"<@{BOT}> hi"}, "shape"),
        ({"channel": {"id": "C1"}, "text": f"<@{BOT}> hi"}, "shape"),
        ({"type": "reaction_added"}, "event"),
        ({"type": "file_shared"}, "event"),
        ({"type": "app_home_opened", "tab": "messages"}, "event"),
        ({"type": None}, "event"),
    ],
)
def test_what_starts_nothing(more: dict[str, Any], reason: str) -> None:
    assert read(event(**more)) == Ignored(reason)


@pytest.mark.parametrize(
    "payload",
    [{}, {"type": "event_callback"}, {"type": "event_callback", "event": []}, {"type": "block_actions"},
     {"type": "block_actions", "actions": "x", "user": 1, "container": []}, {"command": "/stackhand"},
     {"type": "view_submission", "user": {}}, {"type": "block_suggestion"}, {"type": 7}, {"command": 1}],
)  # fmt: skip
def test_a_payload_of_any_shape_is_ignored(payload: dict[str, Any]) -> None:
    assert isinstance(read(payload), Ignored)


def click(**more: Any) -> dict[str, Any]:
    return {
        "type": "block_actions", "api_app_id": APP, "team": {"id": TEAM}, "user": {"id": "UALICE", "team_id": TEAM},
        "channel": {"id": "C1"}, "container": {"message_ts": "5.5"}, "message": {"ts": "5.5", "thread_ts": "1.1"},
        "actions": [{"action_id": "say:0", "value": "list vms", "action_ts": "6.6"}], "response_url": "https://x",
        **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "conversation", "thread", "direct", "alone"),
    [
        ({}, "C1:1.1", "1.1", False, False),
        ({"message": {"ts": "5.5"}}, "C1:5.5", "5.5", False, False),
        ({"channel": {"id": "D1"}, "message": {"ts": "5.5"}}, "D1:", "", True, False),
        ({"container": {"message_ts": "5.5", "is_ephemeral": True}, "message": None}, "C1:UALICE", "", False, True),
        ({"channel": None, "message": None, "container": {"view_id": "V1"}}, "home:UALICE", "", True, False),
    ],
)
def test_where_a_click_is_answered(
    more: dict[str, Any], conversation: str, thread: str, direct: bool, alone: bool
) -> None:
    found = read(click(**more))
    assert isinstance(found, Incoming) and found.conversation == f"slack:{TEAM}:{conversation}"
    assert "response_url" not in found.body
    heard = hearing.click(found.key, found.conversation, found.body, hearing.said_at(found.body, NOON))
    assert heard is not None and heard.text == "list vms" and heard.clicked
    assert (heard.thread, heard.direct, heard.alone) == (thread, direct, alone)


def test_a_menu_says_what_was_selected_and_a_link_says_nothing() -> None:
    action = {"action_id": "menu:0", "action_ts": "6.6", "selected_option": {"value": "show vm web-01"}}
    heard = hearing.click("k", "c", click(actions=[action]), NOON)
    assert heard is not None and heard.text == "show vm web-01"
    assert hearing.click("k", "c", click(actions=[{"action_id": "open", "url": "https://x"}]), NOON) is None


def test_strangers_of_a_shared_channel_are_told_from_members() -> None:
    for more in ({"team": "T999999999"}, {"user_team": "T999999999"}, {"source_team": "T999999999"}):
        assert hearing.message("k", "c", event(text="hi", **more), NOON).stranger
    assert not hearing.message("k", "c", event(text="hi", team=TEAM), NOON).stranger
    heard = hearing.click("k", "c", click(user={"id": "UFAR", "team_id": "T999999999"}), NOON)
    assert heard is not None and heard.stranger


def test_the_time_is_slacks_own_but_never_of_the_future() -> None:
    from datetime import UTC, datetime

    assert hearing.said_at({"event_time": 1_700_000_000}, NOON) == datetime.fromtimestamp(1_700_000_000, UTC)
    for odd in (None, "x", -1, 10**30, True and 10**12):
        assert hearing.said_at({"event_time": odd}, NOON) == NOON


def _noon() -> Any:
    from datetime import UTC, datetime

    return datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


NOON = _noon()
