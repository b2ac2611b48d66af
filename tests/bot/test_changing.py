"""A change on its way through the pipeline: cards, buttons, words, and what each person is told."""

import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from bot.changing import propose
from bot.handlers.asking import Ask
from bot.messages import Channel, Message, Upload
from bot.people import principal
from bot.pipeline import Pipeline
from bot.replies import Choice, Choices, Fields, Reply, Text
from engines.changes.rules import Rule
from engines.plans import Check, Plan
from intents.readings import Reading
from storage import change_rules, freezes, people, requests
from storage.database import Database
from storage.people import Grant
from tests.bot.world import CATALOGUE, shown
from tests.bot.world_base import PCD
from tests.engines.changes.house import PROD, count, furnish, plan, set_back

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


@dataclass
class House:
    """Ways to say something in a channel, in its thread, and in private."""

    database: Database
    pipeline: Pipeline
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def say(self, said: str, by: str, where: str = "thread", files: tuple[Upload, ...] = ()) -> Reply:
        return (await self.say_all(said, by, where, files))[0]

    async def say_all(self, said: str, by: str, where: str, files: tuple[Upload, ...] = ()) -> Sequence[Reply]:
        message = Message(
            f"m{next(self.numbers)}", by, where, said, NOW, files, self.channel(where), f"T1/U{by.upper()}"
        )
        return await self.pipeline.answer(message)

    @staticmethod
    def channel(where: str) -> Channel | None:
        readers: Literal["asker", "members"] = "asker" if where.startswith("direct") else "members"
        return None if where == "console" else Channel("slack", "C1" if readers == "members" else "D1", readers)

    async def propose(self, made: Plan | None = None, by: str = "bob", where: str = "thread") -> Reply:
        async with self.database.begin() as conn:
            who = await principal(conn, by)
            assert who is not None
            reading = Reading("reboot web-01 #pcd-1/vm-1 because it hangs")
            ask = Ask(
                conn, who, where, reading, NOW, CATALOGUE, frozenset(), channel=self.channel(where), account="T1/U"
            )
            return await propose(ask, made or plan())


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    await furnish(database)
    yield House(database, Pipeline(database, catalogue=CATALOGUE, clock=lambda: NOW))


def buttons(reply: Reply) -> dict[str, str]:
    return {c.label: c.said for part in reply.parts if isinstance(part, Choices) for c in part.choices}


def lead(reply: Reply) -> str:
    return next(part.text for part in reply.parts if isinstance(part, Text))


async def test_a_change_is_asked_for_approved_by_button_and_told(house: House) -> None:
    card = await house.propose()
    assert lead(card) == "Reboot web-01: waits for approval" and card.follows == ("request/1",)
    told = shown(card)
    asked = "Bob: “reboot web-01 because it hangs”"
    for words in ("REQ-1", "web-01, web-01-data", "1 VM of acme-prod (acme)", "1. Stop web-01", "✓ the VM is on",
                  "compute-03", asked, "Carol, Dave, Erin can", "Expires 20"):  # fmt: skip
        assert words in told, words
    assert list(buttons(card)) == ["approve", "deny…", "withdraw"]
    token = buttons(card)["approve"].removeprefix("approve #request/")
    assert len(token) == 32 and all(said.split(" ")[1] == f"#request/{token}" for said in buttons(card).values())
    own = await house.say(buttons(card)["approve"], "bob")
    assert own.private and own.outcome == "not_allowed"
    assert "You asked for this" in lead(own) and "Carol, Dave, Erin can" in shown(own)
    done = await house.say(buttons(card)["approve"], "carol")
    assert lead(done) == "Approved by Carol: REQ-1, Reboot web-01." and not done.private and done.intent == "approve"
    late = await house.say(buttons(card)["deny…"] + " because no", "dave")
    assert late.private and "REQ-1 was approved by Carol" in lead(late) and await count(house.database, "job") == 1


async def test_words_count_in_the_thread_and_in_private_alone(house: House) -> None:
    await house.propose()
    other = await house.say("approve REQ-1", "carol", "another thread")
    assert other.private and "not decided by words here" in lead(other) and "thread where it was asked" in shown(other)
    assert await count(house.database, "job") == 0
    done = await house.say("REQ-1 is ok, go ahead", "carol", "direct")
    assert "Approved by Carol" in lead(done) and done.follows == ("request/1/approver",)


@pytest.mark.parametrize("where", ["thread", "direct", "console"])
async def test_every_way_to_say_it_reaches_the_request(house: House, where: str) -> None:
    for number, (said, by, told) in enumerate(
        [
            ("approve REQ-{}", "carol", "Approved by Carol"),
            ("deny REQ-{} because of the freeze", "carol", "Denied by Carol"),
            ("deny REQ-{}", "carol", "Why? Say: deny REQ-"),
            ("withdraw REQ-{}", "bob", "Taken back by Bob"),
            ("cancel my request REQ-{}", "bob", "Taken back by Bob"),
            ("withdraw REQ-{}", "carol", "Only whoever asked"),
            ("approve REQ-{}", "vic", "You need the role technical"),
            ("show REQ-{}", "carol", "waits for approval"),
        ],
        1,
    ):
        await house.propose(where=where)
        reply = await house.say(said.format(number), by, where)
        assert told in lead(reply), (said, shown(reply))


async def test_what_one_may_not_see_is_as_unknown_as_nonsense(house: House) -> None:
    await house.propose()
    for said in ("approve REQ-{}", "show REQ-{}", "deny REQ-{} because I can", "withdraw REQ-{}"):
        seen = [shown(await house.say(said.format(n), "gus", "direct")).replace(f"REQ-{n}", "REQ") for n in (1, 999)]
        assert seen[0] == seen[1] and "web-01" not in seen[0], said


async def test_lists_are_cut_to_whom_they_are_for(house: House) -> None:
    await house.propose()
    await house.propose(by="carol")
    for by, said, told in (
        ("carol", "what is waiting for my approval", ["REQ-1"]),
        ("dave", "what is waiting for my approval", ["REQ-1", "REQ-2"]),
        ("bob", "what is waiting for my approval", []),
        ("bob", "my open requests", ["REQ-1"]),
        ("bob", "open requests", ["REQ-1", "REQ-2"]),
        ("gus", "open requests", []),
        ("vic", "open requests", ["REQ-1", "REQ-2"]),
    ):
        text = shown(await house.say(said, by, "direct"))
        assert [name for name in ("REQ-1", "REQ-2") if name in text] == told, (by, said, text)


@pytest.mark.parametrize(
    "said",
    [
        "approve #request/" + "0" * 32,
        "approve #request/",
        "approve #request/1",
        "confirm #request/' OR 1=1",
        "approve #request/../../etc because x",
        "break_glass #request/" + "f" * 32 + " because now",
        "cancel #request/" + "a" * 32,
        "show #request/" + "a" * 32,
        "break glass REQ-999 because now",
    ],
)
async def test_a_forged_button_is_told_so_privately(house: House, said: str) -> None:
    await house.propose()
    reply = await house.say(said, "carol")
    assert reply.private and reply.outcome == "not_found" and "web-01" not in shown(reply)
    assert await count(house.database, "job") == 0


async def test_the_same_click_twice_is_harmless(house: House) -> None:
    card = await house.propose()
    said = buttons(card)["approve"]
    replies = [await house.say(said, "carol") for _ in range(3)]
    assert [reply.private for reply in replies] == [False, True, True] and await count(house.database, "job") == 1


async def test_another_person_s_confirm_button_is_not_theirs(house: House) -> None:
    card = await house.propose(plan("snapshot"))
    assert card.outcome == "incomplete" and list(buttons(card)) == ["yes, do it", "no"]
    reply = await house.say(buttons(card)["yes, do it"], "erin")
    assert "Only whoever asked" in lead(reply) and reply.private and await count(house.database, "job") == 0
    assert "Confirmed by Bob" in lead(await house.say(buttons(card)["yes, do it"], "bob"))


async def test_who_has_no_role_any_more_is_refused_and_recorded(house: House) -> None:
    card = await house.propose()
    async with house.database.begin() as conn:
        await people.revoke(conn, "carol", Grant("technical", PCD, PROD))
    reply = await house.say(buttons(card)["approve"], "carol")
    assert reply.outcome == "not_allowed" and reply.private and await count(house.database, "job") == 0
    stranger = await house.say(buttons(card)["approve"], "a stranger")
    assert stranger.outcome == "not_allowed" and stranger.private
    assert await count(house.database, "request.refused") == 1


async def test_the_reason_of_a_form_and_an_expiry_meanwhile(house: House) -> None:
    card = await house.propose()
    async with house.database.connect() as conn:
        request = await requests.find(conn, 1)
    assert request is not None
    await set_back(house.database, request, timedelta(hours=1, seconds=1))
    reply = await house.say(buttons(card)["deny…"] + " because it is\nFriday #request/x", "carol")
    assert "expired" in lead(reply) and reply.private


async def test_a_reason_is_kept_as_it_was_said(house: House) -> None:
    card = await house.propose()
    await house.say(buttons(card)["deny…"] + " because it is\nFriday; <!channel> 'x' -- because", "carol")
    async with house.database.connect() as conn:
        request = await requests.find(conn, 1)
    assert request is not None and request.reason == "it is\nFriday; <!channel> 'x' -- because"


async def test_a_changed_target_offers_a_new_plan(house: House) -> None:
    made = plan()
    wrong = replace(made, targets=(replace(made.targets[0], name="web-1"), *made.targets[1:]))
    card = await house.propose(wrong)
    reply = await house.say(buttons(card)["approve"], "carol")
    assert "name web-1 → web-01" in lead(reply)
    assert buttons(reply) == {"make a new plan": "reboot web-01 #pcd-1/vm-1 because it hangs"}


async def test_a_dry_run_is_a_plan_that_nobody_runs(house: House) -> None:
    card = await house.propose(plan(options={"dry_run": True}))
    assert not buttons(card) and not card.follows and "dry run" in lead(card)
    assert await count(house.database, "request.asked") == 0


async def test_a_plan_that_cannot_be_done_is_shown_without_buttons(house: House) -> None:
    card = await house.propose(plan(checks=(Check("quota", False, "40 of 40 volumes"),)))
    assert not buttons(card) and card.outcome == "failed" and "✗ quota: 40 of 40 volumes" in shown(card)


async def test_who_may_not_ask_learns_nothing_of_the_target(house: House) -> None:
    card = await house.propose(by="gus")
    assert card.outcome == "not_allowed" and not any(isinstance(part, Fields) for part in card.parts)


async def test_a_freeze_is_begun_and_ended_as_a_change(house: House) -> None:
    card = await house.say("freeze changes until 2026-12-07 08:00", "erin")
    assert list(buttons(card)) == ["yes, do it", "no"] and "until" in shown(card)
    assert "Confirmed by Erin" in lead(await house.say(buttons(card)["yes, do it"], "erin"))
    refused = await house.propose()
    assert refused.outcome == "failed" and "until 2026-12-07 08:00 UTC, by erin" in shown(refused)
    assert "frozen" in shown(await house.say("open requests", "bob"))
    alone = await house.say("end the change freeze", "erin")
    assert "1 other person with the role admin" in shown(alone)
    async with house.database.begin() as conn:
        await people.grant(conn, "dave", Grant("admin"), "test")
    ending = await house.say("end the change freeze", "erin")
    assert "Approved by Dave" in lead(await house.say(buttons(ending)["approve"], "dave"))
    async with house.database.connect() as conn:
        assert await freezes.going(conn) == []
    assert (await house.propose()).outcome == "answered"


async def test_only_an_admin_of_everything_freezes(house: House) -> None:
    for by in ("bob", "gus", "vic"):
        assert (await house.say("freeze changes until 2026-12-07 08:00", by)).outcome == "not_allowed"


async def test_a_freeze_of_a_project_is_that_project_s(house: House) -> None:
    card = await house.say("freeze changes in acme-dev until 2026-12-07 08:00", "erin")
    assert "Freeze changes of project acme-dev" in lead(card)
    await house.say(buttons(card)["yes, do it"], "erin")
    assert (await house.propose()).outcome == "answered"


RULES = b"rules:\n- {kind: vm_reboot, mode: approve, approvers: 2, approver_role: technical}\n"


async def test_rules_are_dropped_compared_and_put_in_force(house: House) -> None:
    async with house.database.begin() as conn:
        await people.grant(conn, "dave", Grant("admin"), "test")
    upload = Upload("Change-Rules.yaml", RULES)
    (card,) = await house.say_all("", "erin", "thread", (upload,))
    assert "+- kind: vm_reboot" in shown(card) and list(buttons(card)) == ["approve", "deny…", "withdraw"]
    await house.say(buttons(card)["approve"], "dave")
    async with house.database.connect() as conn:
        assert len(await change_rules.load(conn)) == 1
    assert "2 approvals by other people" in shown(await house.propose())
    (again,) = await house.say_all("", "erin", "thread", (upload,))
    assert "in force already" in lead(again)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"rules:\n- kind: nonsense\n  mode: forbid", b"x" * 300_000])
async def test_rules_with_a_mistake_change_nothing(house: House, content: bytes) -> None:
    (reply,) = await house.say_all("", "erin", "thread", (Upload("change-rules.yaml", content),))
    assert reply.outcome == "failed" and "cannot be put in force" in lead(reply)
    (denied,) = await house.say_all("", "bob", "thread", (Upload("change-rules.yaml", RULES),))
    assert denied.outcome == "not_allowed" and denied.private


async def test_rules_that_others_changed_meanwhile_are_compared_anew(house: House) -> None:
    async with house.database.begin() as conn:
        await people.grant(conn, "dave", Grant("admin"), "test")
    (card,) = await house.say_all("", "erin", "thread", (Upload("change-rules.yaml", RULES),))
    async with house.database.begin() as conn:
        await change_rules.replace(conn, [Rule(("vm_stop",), "forbid").to_json()], "somebody")
    reply = await house.say(buttons(card)["approve"], "dave")
    assert "change rules: rules 0 → 1" in lead(reply)


async def test_break_glass_by_button_and_by_words(house: House) -> None:
    async with house.database.begin() as conn:
        rule = Rule(("vm_reboot",), "approve", approver_role="technical", break_glass="admin")
        await change_rules.replace(conn, [rule.to_json()], "test")
    card = await house.propose(by="erin")
    assert "break glass…" in buttons(card)
    asked = await house.say(buttons(card)["break glass…"], "erin")
    assert "Why? Say: break glass REQ-1 because" in lead(asked)
    done = await house.say("break glass REQ-1 because the site burns", "erin", "direct")
    assert "Decided alone by Erin" in lead(done) and "past the approval of others" in shown(done)


async def test_a_choice_of_a_card_is_no_longer_than_an_id(house: House) -> None:
    card = await house.propose(
        plan(title="x" * 5000, blast="y" * 50_000, warnings=tuple("z" * 5000 for _ in range(50)))
    )
    assert len(shown(card)) < 20_000
    said = [c for part in card.parts if isinstance(part, Choices) for c in part.choices]
    assert all(isinstance(one, Choice) and len(one.said) < 70 for one in said)
