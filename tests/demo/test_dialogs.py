"""Conversations as (said, answered): the files in tests/dialogs/demo.

A file is a list of conversations; a conversation a list of steps with `said` and what must come of it: `outcome`
(answered unless said otherwise), `intent`, `slots`, `has` and `has_not` (words in the text), `total` (rows of the
table), `choices` (at least so many buttons).
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.adapters.text import choices_of, render
from bot.replies import Reply, Table, from_json, to_json
from storage.database import Database
from tests.demo.conftest import NOW, Talk

DIALOGS = Path(__file__).parents[1] / "dialogs" / "demo"
Step = dict[str, Any]


def conversations() -> list[Any]:
    return [
        pytest.param(steps, id=f"{file.stem}-{number}")
        for file in sorted(DIALOGS.glob("*.yaml"))
        for number, steps in enumerate(yaml.safe_load(file.read_text(encoding="utf-8")), 1)
    ]


def told(reply: Reply) -> str:
    return render(reply, NOW, width=200)


def check(step: Step, reply: Reply) -> None:
    text = told(reply)
    assert reply.outcome == step.get("outcome", "answered"), text
    assert step.get("intent", reply.intent) == reply.intent, text
    for slot, value in step.get("slots", {}).items():
        assert reply.slots.get(slot) == value, (slot, dict(reply.slots))
    for words in step.get("has", ()):
        assert words in text, text
    for words in step.get("has_not", ()):
        assert words not in text, text
    if "total" in step:
        assert next((p.total for p in reply.parts if isinstance(p, Table)), 0) == step["total"], text
    assert len(choices_of([reply])) >= step.get("choices", 0), text


@pytest.mark.parametrize("steps", conversations())
async def test_dialog(steps: list[Step], talk: Talk) -> None:
    for step in steps:
        check(step, await talk(step["said"]))


@pytest.mark.parametrize("steps", conversations())
async def test_every_button_leads_somewhere(steps: list[Step], talk: Talk, inventory: Database) -> None:
    for step in steps:
        for said in choices_of([await talk(step["said"])]):
            reply = await Talk(inventory)(said)
            lost = reply.outcome in ("not_understood", "failed", "not_found") and "cannot do that yet" not in told(
                reply
            )
            assert not lost, (said, told(reply))


@pytest.mark.parametrize("steps", conversations())
async def test_replies_survive_being_kept(steps: list[Step], talk: Talk) -> None:
    for step in steps:
        for reply in await talk.all(step["said"]):
            assert told(from_json(to_json(reply))).replace("(0 B)", "") == told(reply) or "file:" in told(reply)
