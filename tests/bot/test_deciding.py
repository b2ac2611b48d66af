"""Plain words that press a button of the card before them, and those that do not."""

import pytest

from bot.deciding import button, typed
from bot.replies import Choice, Choices, Part, Text

TOKEN = "0123456789abcdef" * 2
CONFIRM: tuple[Part, ...] = (
    Text("Snapshot web-01?"),
    Choices((button("yes, do it", "confirm", TOKEN), button("no", "withdraw", TOKEN))),
)
APPROVE: tuple[Part, ...] = (
    Choices(
        (button("approve", "approve", TOKEN), button("deny…", "deny", TOKEN), button("withdraw", "withdraw", TOKEN))
    ),
)


@pytest.mark.parametrize("said", ["yes", "Yes!", "ok", "do it", "yes, do it", "yes please", "go ahead", "Confirm."])
def test_a_yes_confirms_the_card_before_it(said: str) -> None:
    assert typed(said, CONFIRM) == f"confirm #request/{TOKEN}"


@pytest.mark.parametrize("said", ["no", "No.", "nope", "never mind", "no thanks", "don't"])
def test_a_no_takes_it_back(said: str) -> None:
    assert typed(said, CONFIRM) == f"withdraw #request/{TOKEN}"


@pytest.mark.parametrize("said", ["yes and delete db-01", "yesterday", "snapshot db-01", "not yes", "", "y" * 4000])
def test_more_than_that_is_read_as_it_is(said: str) -> None:
    assert typed(said, CONFIRM) == said


def test_labels_press_and_a_yes_approves_nothing() -> None:
    assert typed("Withdraw", APPROVE) == f"withdraw #request/{TOKEN}"
    assert typed("deny", APPROVE) == f"deny #request/{TOKEN}"
    assert typed("yes", APPROVE) == "yes"


def test_without_such_a_card_nothing_is_pressed() -> None:
    assert typed("yes", ()) == "yes"
    assert typed("no", (Choices((Choice("no", "list VMs"),)),)) == "no"
    both = (*CONFIRM, Choices((button("yes, do it", "confirm", "f" * 32),)))
    assert typed("yes", both) == "yes", "of two cards neither is meant"
