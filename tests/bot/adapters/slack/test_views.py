import json
from typing import Any

import pytest

from bot.adapters.slack.home import Health, OpenRequest, Topic, home_view, unknown_view
from bot.adapters.slack.modals import ask_modal, error_view, feedback_modal
from bot.replies import Choice
from tests.bot.adapters.samples import NOW, check_golden
from tests.bot.adapters.slack.checker import check_view
from tests.bot.adapters.slack.samples import PINGS


def kept(view: dict[str, Any]) -> str:
    return json.dumps(view, ensure_ascii=False, indent=1) + "\n"


def home(**changes: Any) -> dict[str, Any]:
    requests = (
        OpenRequest("REQ-41", "Restore db-02 side by side", "pending, asked by bob, expires 11:05 UTC", "show REQ-41"),
        OpenRequest("REQ-40", "Reboot prod-db-04", "pending, asked by erin, 2 h left", "show REQ-40"),
    )
    health = (
        Health("Stackhand", True, "database answers, nothing waits"),
        Health("pcd-1 (OpenStack)", True, "listed 3 min ago"),
        Health("vc-1 (VMware)", False, "4 h 12 min old: refused the login", "run stackhand doctor"),
    )
    topics = (
        Topic("Inventory", (Choice("which VMs are off in acme-prod?", "which vms are off in acme-prod?"),
                            Choice("show db-02", "show vm db-02"), Choice("third", "third"))),
        Topic("Capacity", (Choice("who is near a quota?", "which projects are near their quota?"),)),
    )  # fmt: skip
    given = {
        "person": "Carol",
        "rights": ("admin on acme-prod (pcd-1)", "viewer everywhere"),
        "mine": requests[1:],
        "waiting": requests[:1],
        "health": health,
        "topics": topics,
        "now": NOW,
    }
    return home_view(**{**given, **changes})


VIEWS = {
    "home": home(),
    "home-empty": home(person="", rights=(), mine=(), waiting=(), health=(), topics=(), demo=True),
    "home-unknown": unknown_view("Ask an administrator for an invitation, then send it to me in a direct message."),
    "modal-ask": ask_modal("C1:171.2", typed="how many vms"),
    "modal-feedback": feedback_modal("C1:171.2", said="how many vms are off in acme-prod"),
    "modal-error": error_view("The database did not answer.", "Nothing was lost. Ask again in a minute."),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_as_kept(name: str) -> None:
    check_golden(f"slack/{name}.json", kept(VIEWS[name]))
    assert check_view(VIEWS[name]) == []


@pytest.mark.parametrize("times", [1, 11, 300])
def test_a_full_home_fits_and_tells_what_it_leaves_out(times: int) -> None:
    names = PINGS * times
    view = home(
        person=PINGS[0],
        rights=names,
        mine=tuple(OpenRequest(name, name, name, name) for name in names),
        waiting=tuple(OpenRequest(name, name * 9, name, name) for name in names),
        health=tuple(Health(name, n % 2 == 0, name, name) for n, name in enumerate(names)),
        topics=tuple(Topic(name, tuple(Choice(one, one) for one in PINGS)) for name in names),
    )
    assert check_view(view) == []
    text = kept(view)
    assert text.count(f"{len(names) - 10} more of {len(names)}") == 4
    assert f"{len(names) - 20} more of {len(names)} topics, say: help" in text


def test_what_is_not_well_comes_first_with_its_fix() -> None:
    text = kept(VIEWS["home"])
    assert text.index("vc-1") < text.index("pcd-1 (OpenStack)") and "run stackhand doctor" in text


def test_two_examples_a_topic_are_buttons() -> None:
    rows = [block["elements"] for block in VIEWS["home"]["blocks"] if block["type"] == "actions"]
    assert [[one["value"] for one in row] for row in rows] == [
        ["which vms are off in acme-prod?", "show vm db-02"],
        ["which projects are near their quota?"],
    ]


@pytest.mark.parametrize("name", PINGS)
def test_no_text_breaks_a_modal(name: str) -> None:
    views = (ask_modal("m", typed=name * 200), feedback_modal("m", said=name * 200), error_view(name * 200, name * 200))
    assert [check_view(view) for view in views] == [[], [], []]


def test_metadata_beyond_the_limit_is_refused() -> None:
    assert ask_modal("x" * 3000)["private_metadata"] == "x" * 3000
    with pytest.raises(ValueError, match="3001 units"):
        feedback_modal("x" * 3001)
