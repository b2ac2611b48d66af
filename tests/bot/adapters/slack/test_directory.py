"""Who is a guest, who is a bot, who reads a channel; and nobody is a member when Slack does not answer."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.adapters.slack.calls import client
from bot.adapters.slack.directory import Directory, user_of
from bot.sending import HeldError, LostError
from tests.bot.adapters.slack.small_slack import TEAM, TOKEN, Fault, SmallSlack, small_slack


@pytest.fixture
async def slack() -> AsyncIterator[SmallSlack]:
    async with small_slack() as slack:
        yield slack


def directory(slack: SmallSlack, now: list[float] | None = None) -> Directory:
    clock = now or [0.0]
    return Directory(client(TOKEN, slack.api_url), {TEAM}, clock=lambda: clock[0])


async def test_members_guests_strangers_and_bots(slack: SmallSlack) -> None:
    found = directory(slack)
    kinds = {name: await found.user(name) for name in ("UALICE", "UGIL", "UFAR", "UBOT", "UNOBODY")}
    assert {name: (user.guest, user.human) for name, user in kinds.items()} == {
        "UALICE": (False, True), "UGIL": (True, True), "UFAR": (True, True),
        "UBOT": (False, False), "UNOBODY": (True, True),
    }  # fmt: skip
    assert kinds["UALICE"].email == "alice@example.com"


@pytest.mark.parametrize(
    ("told", "guest", "human"),
    [
        ({"id": "U1", "team_id": TEAM}, False, True),
        ({"id": "U1", "team_id": TEAM, "is_ultra_restricted": True}, True, True),
        ({"id": "U1", "team_id": TEAM, "is_stranger": True}, True, True),
        ({"id": "U1", "team_id": "T9", "enterprise_user": {"teams": [TEAM]}}, False, True),
        ({"id": "U1", "team_id": "T9", "enterprise_user": {"teams": ["T8"]}}, True, True),
        ({"id": "U1", "team_id": TEAM, "deleted": True}, False, False),
        ({}, True, True),
        (None, True, True),
        ("x", True, True),
    ],
)
def test_a_user_object(told: Any, guest: bool, human: bool) -> None:
    user = user_of(told, {TEAM})
    assert (user.guest, user.human) == (guest, human)


async def test_who_reads_a_channel(slack: SmallSlack) -> None:
    slack.channels["C3"] = {"id": "C3", "is_ext_shared": True}
    slack.channels["C4"] = {"id": "C4", "is_pending_ext_shared": True}
    found = directory(slack)
    readers = {channel: await found.readers(TEAM, channel) for channel in ("C1", "C2", "C3", "C4", "C9")}
    assert readers == {"C1": "members", "C2": "guests", "C3": "guests", "C4": "guests", "C9": "guests"}


async def test_a_removed_role_is_seen_within_a_minute_and_answers_are_remembered(slack: SmallSlack) -> None:
    now = [0.0]
    found = directory(slack, now)
    await found.user("UALICE")
    slack.users["UALICE"]["is_restricted"] = True
    assert not (await found.user("UALICE")).guest and len(slack.called("users.info")) == 1
    now[0] = 61.0
    assert (await found.user("UALICE")).guest


async def test_when_slack_does_not_answer_nobody_is_known(slack: SmallSlack) -> None:
    slack.faults = [
        Fault("users.info", status=429, retry_after=7), Fault("users.info", status=503),
        Fault("users.info", drop="before", count=2),  # the HTTP client tries a GET once more by itself
        Fault("users.info", error="missing_scope"),
    ]  # fmt: skip
    found = directory(slack)
    with pytest.raises(HeldError) as held:
        await found.user("UALICE")
    assert held.value.delay_s == 7
    for _ in range(2):
        with pytest.raises(LostError):
            await found.user("UALICE")
    with pytest.raises(HeldError):
        await found.user("UALICE")
    assert not (await found.user("UALICE")).guest
