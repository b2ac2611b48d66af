"""The card of a change in each of its states, as every surface shows it."""

from datetime import timedelta

import pytest

from bot.adapters.slack.blocks import render as render_slack
from bot.adapters.text import render
from bot.cards_of_changes import dry_run
from bot.outcomes import duration
from bot.replies import Choices, Reply
from bot.web.render import Charts, Renderer
from tests.bot.adapters.samples import check_golden
from tests.bot.adapters.slack.test_blocks import as_kept, problems
from tests.bot.change_samples import AT, CARDS, PLAN, TOKEN, shown

NOW = AT + timedelta(minutes=16)


def said(reply: Reply) -> list[str]:
    return [choice.said for part in reply.parts if isinstance(part, Choices) for choice in part.choices]


@pytest.mark.parametrize("name", CARDS)
def test_a_card_is_as_kept(name: str) -> None:
    reply = shown(name)
    check_golden(f"text/change-{name}.txt", render(reply, NOW))
    check_golden(f"html/change-{name}.html", Renderer(Charts()).reply(reply, "session", NOW))
    rendered = render_slack(reply, now=NOW)
    check_golden(f"slack/change-{name}.json", as_kept(rendered))
    assert problems(rendered) == [] and len(rendered.posts) == 1


def test_a_card_on_which_nothing_is_left_to_decide_has_no_buttons_for_it() -> None:
    for name in CARDS:
        decide = [one for one in said(shown(name)) if one.startswith(("approve", "deny", "confirm", "withdraw"))]
        assert bool(decide) == (name in ("pending", "pending-approver", "confirm")), name


def test_buttons_carry_nothing_but_the_id() -> None:
    for name in CARDS:
        for one in said(shown(name)):
            assert one.endswith(f" #request/{TOKEN}") or one == 'restore vm "db-02" #pcd-1/vm-2 from yesterday'


def test_an_approver_has_only_what_approvers_press() -> None:
    assert [one.split()[0] for one in said(shown("pending-approver"))] == ["approve", "deny"]
    assert [one.split()[0] for one in said(shown("running"))] == ["cancel"]


def test_a_dry_run_has_no_buttons() -> None:
    assert said(dry_run(PLAN)) == []


def test_how_long_it_took() -> None:
    told = [duration(timedelta(seconds=seconds)) for seconds in (-5, 0, 59, 60, 340, 3600, 7325)]
    assert told == ["0 s", "0 s", "59 s", "1 min 0 s", "5 min 40 s", "1 h 0 min", "2 h 2 min"]
