"""A request in Slack: the card in the thread, the cards of those who may approve, the form for a reason, the home tab;
all tell the same, and what is pressed too late, twice or by another is answered to that person alone."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from bot.adapters.slack.answering import Answering, Parts
from bot.adapters.slack.app import _edited
from bot.adapters.slack.calls import client
from bot.adapters.slack.directory import Directory
from bot.adapters.slack.downloads import Downloads
from bot.adapters.slack.files import Files
from bot.adapters.slack.listeners import Listeners
from bot.adapters.slack.notifying import Notifier
from bot.changing import propose
from bot.following import Follower
from bot.handlers.asking import Ask
from bot.messages import Message
from bot.people import principal
from bot.pipeline import Pipeline
from bot.replies import Reply
from engines.changes import requests as changes
from engines.changes.rules import Rule
from intents.readings import Reading
from storage import change_rules, follows, outbox, requests
from storage.channels import Binding, bind
from storage.database import Database
from storage.inbox import Taken
from storage.requests import Request
from storage.scopes import Place
from tests.bot.adapters.slack.small_slack import APP, BOT, TEAM, TOKEN, Fault, SmallSlack, small_slack
from tests.bot.adapters.slack.test_sending import send_all
from tests.bot.world import CATALOGUE
from tests.bot.world_base import PCD, project_id
from tests.conftest import execute
from tests.engines.changes.house import count, furnish, plan, set_back

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


@dataclass
class Asking:
    """The pipeline, with one change to ask for: reboots."""

    database: Database
    pipeline: Pipeline

    async def answer(self, message: Message) -> Sequence[Reply]:
        if not message.text.startswith("reboot"):
            return await self.pipeline.answer(message)
        async with self.database.begin() as conn:
            who = await principal(conn, message.person, message.channel)
            assert who is not None
            ask = Ask(conn, who, message.conversation, Reading(message.text), NOW, CATALOGUE, frozenset(),
                      channel=message.channel, account=message.account)  # fmt: skip
            return (await propose(ask, plan()),)


@dataclass
class Office:
    """Slack, the bot and its people."""

    slack: SmallSlack
    database: Database
    listeners: Listeners
    channel: str = ""
    numbers: list[int] = field(default_factory=list)

    async def deliver(self, body: dict[str, Any], where: str = "slack:T:C1:1.1") -> None:
        """Worked off and sent, cards redrawn, those told who have to be."""
        self.numbers.append(1)
        key = f"k{len(self.numbers)}"
        taken = Taken(len(self.numbers), key, where, "", {"team_id": TEAM, "api_app_id": APP, **body}, NOW, 1)
        made = await self.listeners.handle(taken)
        async with self.database.begin() as conn:
            for draft in made:
                await outbox.enqueue(conn, "slack", draft)
                if draft.follows:
                    await follows.begin(conn, "slack", draft)
        await self.settle()

    async def settle(self) -> None:
        notifier = Notifier(self.database, frozenset({TEAM}), self.channel, lambda: None)
        for piece in await notifier.take(10):
            await notifier.do(piece)
        await send_all(self.database, self.slack)
        follower = Follower(self.database, "slack", partial(_edited, ""), lambda: None)
        await execute(self.database, "UPDATE follow SET next_at = now() - interval '1 s'")
        for id_ in await follower.take(100):
            await follower.do(id_)
        await send_all(self.database, self.slack)

    async def ask(self) -> Request:
        event = {"type": "app_mention", "user": "UBOB", "channel": "C1", "ts": "1.1", "text": f"<@{BOT}> reboot web-01"}
        await self.deliver({"type": "event_callback", "event": event, "event_id": "E1",
                            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}]})  # fmt: skip
        async with self.database.connect() as conn:
            found = await requests.find(conn, 1)
        assert found is not None
        return found

    async def press(self, user: str, said: str, channel: str = "C1") -> None:
        action = {"action_id": "say:1", "value": said, "action_ts": str(len(self.numbers)), "type": "button"}
        await self.deliver({
            "type": "block_actions", "user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "actions": [action],
            "channel": {"id": channel}, "container": {"message_ts": "2.2", "channel_id": channel}, "trigger_id": "t1",
            "message": {"ts": "2.2", "thread_ts": "1.1"} if channel == "C1" else {"ts": "2.2"},
        })  # fmt: skip

    async def send_form(self, user: str, reason: str) -> None:
        view = self.slack.called("views.open")[-1]["view"]
        view = json.loads(view) if isinstance(view, str) else view
        values = {"words": {"words": {"type": "plain_text_input", "value": reason}}}
        await self.deliver({
            "type": "view_submission", "user": {"id": user}, "team": {"id": TEAM},
            "trigger_id": f"t{len(self.numbers)}",
            "view": {"callback_id": view["callback_id"], "private_metadata": view["private_metadata"],
                     "state": {"values": values}, "type": "modal"},
        })  # fmt: skip

    def card(self, channel: str) -> str:
        """All that the first message there says now."""
        first = self.slack.posted[channel][0]
        return f"{first['text']} {json.dumps(first['blocks'], ensure_ascii=False)}"


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    await furnish(database)
    async with small_slack() as slack:
        for user in ("UBOB", "UCAROL", "UDAVE", "UERIN", "UVIC", "UGUS"):
            slack.users[user] = {"id": user, "team_id": TEAM, "name": user.lower(), "profile": {}}
        slack.channels = {"C1": {"id": "C1"}, "CAPPROVALS": {"id": "CAPPROVALS"}}
        slack.members = {"C1": list(slack.users), "CAPPROVALS": list(slack.users)}
        slack.page = 50
        calls = client(TOKEN, slack.api_url)
        asking = Asking(database, Pipeline(database, catalogue=CATALOGUE, clock=lambda: NOW))
        files = Files(calls, Downloads(TOKEN, slack.api_url))
        parts = Parts(database, asking, Directory(calls, {TEAM}), files, lambda: None, clock=lambda: NOW)
        yield Office(slack, database, Listeners(calls, Answering(parts), database))


async def test_ask_approve_and_every_card_is_redrawn(office: Office) -> None:
    request = await office.ask()
    assert "waits for approval" in office.card("C1") and f"approve #request/{request.token}" in office.card("C1")
    told = {channel for channel in office.slack.posted if channel.startswith("D")}
    assert told == {"DUCAROL", "DUDAVE", "DUERIN"}
    assert "withdraw" not in office.card("DUCAROL") and "deny" in office.card("DUCAROL")
    await office.press("UCAROL", f"approve #request/{request.token}", "DUCAROL")
    for channel in ("C1", "DUCAROL", "DUDAVE", "DUERIN"):
        assert "approved, about to begin" in office.card(channel) and "Approved by Carol" in office.card(channel), (
            channel
        )
        assert "approve #request" not in office.card(channel)
    async with office.database.begin() as conn:
        await conn.execute(
            text("UPDATE job SET state = 'done', started_at = now(), ended_at = now() + interval '340 s'")
        )
        await changes.ended(conn, 1, "done")
    await office.settle()
    for channel in ("C1", "DUCAROL", "DUDAVE", "DUERIN"):
        assert "Done in 5 min 40 s" in office.card(channel) and "cancel #request" not in office.card(channel), channel
    async with office.database.connect() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM follow"))).scalar_one() == 0
    assert len(office.slack.posted["DUDAVE"]) == 1  # once, and then edited


async def test_the_asker_s_click_is_answered_to_them_alone(office: Office) -> None:
    request = await office.ask()
    posts = len(office.slack.posted["C1"])
    await office.press("UBOB", f"approve #request/{request.token}")
    (alone,) = office.slack.ephemeral
    assert alone["user"] == "UBOB" and "You asked for this" in str(alone["blocks"])
    assert len(office.slack.posted["C1"]) == posts and await count(office.database, "job") == 0


@pytest.mark.parametrize("user", ["UVIC", "UGUS"])
async def test_who_may_not_decide_is_told_so_alone(office: Office, user: str) -> None:
    request = await office.ask()
    await office.press(user, f"approve #request/{request.token}")
    assert office.slack.ephemeral[-1]["user"] == user and await count(office.database, "job") == 0
    assert "waits for approval" in office.card("C1")


async def test_a_redelivered_click_and_one_of_a_stale_card(office: Office) -> None:
    request = await office.ask()
    await office.press("UCAROL", f"approve #request/{request.token}")
    for user in ("UCAROL", "UDAVE"):
        await office.press(user, f"approve #request/{request.token}")
        assert "was approved by Carol" in str(office.slack.ephemeral[-1]["blocks"])
    assert await count(office.database, "job") == 1


async def test_deny_asks_why_in_a_form(office: Office) -> None:
    request = await office.ask()
    await office.press("UCAROL", f"deny #request/{request.token}")
    assert "waits for approval" in office.card("C1")
    await office.send_form("UCAROL", "not before <!channel> Monday")
    assert "Denied by Carol" in office.card("C1") and "Reason: not before" in office.card("C1")
    assert "Denied by Carol" in office.card("DUDAVE") and await count(office.database, "job") == 0


async def test_it_runs_out_while_the_form_is_open(office: Office) -> None:
    request = await office.ask()
    await office.press("UCAROL", f"deny #request/{request.token}")
    await set_back(office.database, request, timedelta(hours=2))
    await office.send_form("UCAROL", "no")
    assert "expired" in str(office.slack.ephemeral[-1]["blocks"]) and "expired, nothing" in office.card("C1")


async def test_where_no_form_opens_the_reason_is_asked_in_words(office: Office) -> None:
    request = await office.ask()
    office.slack.faults = [Fault("views.open", error="expired_trigger_id")]
    await office.press("UCAROL", f"deny #request/{request.token}")
    assert "Why? Say: deny REQ-1 because" in str(office.slack.ephemeral[-1]["blocks"])


async def test_a_form_that_we_did_not_make_does_nothing(office: Office) -> None:
    await office.ask()
    view = {"callback_id": "reason", "private_metadata": json.dumps({"said": "approve REQ-1"}), "type": "modal",
            "state": {"values": {"words": {"words": {"value": "x"}}}}}  # fmt: skip
    for metadata in (view["private_metadata"], "", "[]", "null", "{" * 50):
        body = {"type": "view_submission", "user": {"id": "UCAROL"}, "team": {"id": TEAM}, "trigger_id": "t9"}
        await office.deliver({**body, "view": {**view, "private_metadata": metadata}})
    assert await count(office.database, "job") == 0


async def test_an_approvals_channel_has_the_card_under_a_mention(office: Office) -> None:
    office.channel = "CAPPROVALS"
    request = await office.ask()
    assert "<@UCAROL> <@UDAVE> <@UERIN>" in office.card("CAPPROVALS")
    assert not any(channel.startswith("D") for channel in office.slack.posted)
    await office.press("UDAVE", f"approve #request/{request.token}", "CAPPROVALS")
    assert "Approved by Dave" in office.card("CAPPROVALS") and "<@UCAROL>" in office.card("CAPPROVALS")


async def test_a_channel_about_other_projects_gets_no_card(office: Office) -> None:
    office.channel = "CAPPROVALS"
    async with office.database.begin() as conn:
        await bind(conn, Binding("slack", "CAPPROVALS", Place(PCD, None, project_id("globex-prod"))), "test")
    await office.ask()
    assert "CAPPROVALS" not in office.slack.posted and "DUCAROL" in office.slack.posted


async def test_a_reminder_at_half_time_once(office: Office) -> None:
    request = await office.ask()
    await set_back(office.database, request, timedelta(minutes=31))
    for _ in range(3):
        await changes.remind(office.database)
        await office.settle()
    assert len(office.slack.posted["DUCAROL"]) == 2
    assert "still waits" in str(office.slack.posted["DUCAROL"][1]["text"])


async def test_what_was_decided_past_the_others_is_posted_to_them(office: Office) -> None:
    async with office.database.begin() as conn:
        rule = Rule(("vm_reboot",), "approve", approver_role="technical", break_glass="operator")
        await change_rules.replace(conn, [rule.to_json()], "test")
    request = await office.ask()
    await office.press("UBOB", f"break_glass #request/{request.token}")
    await office.send_form("UBOB", "the site burns")
    await office.settle()
    for channel in ("DUCAROL", "DUDAVE", "DUERIN"):
        assert "Reason: the site burns" in str(office.slack.posted[channel][-1]["blocks"])
    assert "past the approval of others" in office.card("C1") and await count(office.database, "job") == 1


async def test_a_request_is_followed_for_longer_than_an_hour(office: Office) -> None:
    request = await office.ask()
    await execute(office.database, "UPDATE follow SET created_at = now() - interval '30 hours'")
    await office.settle()
    assert "waits for approval" in office.card("C1")
    await office.press("UCAROL", f"approve #request/{request.token}")
    assert "Approved by Carol" in office.card("C1") and "Approved by Carol" in office.card("DUDAVE")


async def test_each_notice_is_written_once_by_any_number_of_processes(office: Office) -> None:
    await office.ask()
    for _ in range(3):
        notifier = Notifier(office.database, frozenset({TEAM}), "", lambda: None)
        await notifier.do(("asked", 1))
    await office.settle()
    assert len(office.slack.posted["DUCAROL"]) == 1


async def test_the_home_tab_lists_what_waits_for_whom(office: Office) -> None:
    await office.ask()
    for user, told, not_told in (
        ("UCAROL", "Reboot web-01", ""),
        ("UBOB", "Reboot web-01", ""),
        ("UGUS", "", "Reboot"),
    ):
        event = {"type": "app_home_opened", "user": user, "tab": "home", "channel": f"D{user}"}
        await office.deliver({"type": "event_callback", "event": event, "event_id": f"E{user}"})
        view = str(office.slack.homes[user])
        assert told in view and (not not_told or not_told not in view)
