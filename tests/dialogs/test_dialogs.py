"""Conversations with the small world as (said, answered): the files beside this one.

A file is a list of conversations; a conversation is a list of steps with `said`, `by` (root unless said otherwise)
and what must come of it: `outcome` (answered unless said otherwise), `intent`, `slots`, `has` and `has_not` (words in
the text), `total` (rows of the first table), `choices` (what the buttons are called begins so).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.pipeline import Pipeline
from bot.replies import Choices, Reply, Table, from_json, to_json
from tests.bot.world import World, said_by, shown

Step = dict[str, Any]
_KEYS = {"said", "by", "outcome", "intent", "slots", "has", "has_not", "total", "choices"}


def conversations() -> list[Any]:
    return [
        pytest.param(steps, id=f"{file.stem}-{number}")
        for file in sorted(Path(__file__).parent.glob("*.yaml"))
        for number, steps in enumerate(yaml.safe_load(file.read_text(encoding="utf-8")), 1)
    ]


def check(step: Step, reply: Reply) -> None:
    text = shown(reply)
    assert set(step) <= _KEYS
    assert reply.outcome == step.get("outcome", "answered"), text
    assert step.get("intent", reply.intent) == reply.intent, text
    if "slots" in step:
        assert dict(reply.slots) == step["slots"], text
    assert [words for words in step.get("has", ()) if words not in text] == [], text
    assert [words for words in step.get("has_not", ()) if words in text] == [], text
    if "total" in step:
        assert next((part.total for part in reply.parts if isinstance(part, Table)), 0) == step["total"], text
    if "choices" in step:
        labels = [choice.label for part in reply.parts if isinstance(part, Choices) for choice in part.choices]
        assert len(labels) == len(step["choices"]), text
        assert [label[: len(w)] for label, w in zip(labels, step["choices"], strict=True)] == step["choices"]


async def replies(world: World, steps: Sequence[Step], where: str) -> list[tuple[Step, Reply]]:
    return [(step, await world.ask(step["said"], step.get("by", "root"), where=where)) for step in steps]


@pytest.mark.parametrize("steps", conversations())
async def test_dialog(steps: list[Step], world: World, request: pytest.FixtureRequest) -> None:
    for step in steps:
        reply = await world.ask(step["said"], step.get("by", "root"), where=request.node.name)
        check(step, reply)
        assert shown(from_json(to_json(reply))) == shown(reply) or "file:" in shown(reply)
        answered_from_data = reply.outcome == "answered" and reply.freshness is not None
        assert not answered_from_data or reply.scope, "an answer says its scope"


@pytest.mark.parametrize("steps", conversations())
async def test_every_button_leads_somewhere(steps: list[Step], world: World, request: pytest.FixtureRequest) -> None:
    where = f"buttons {request.node.name}"
    lost = []
    for step, reply in await replies(world, steps, where):
        for said in said_by(reply):
            if "#request/" in said:  # one decision only: the second would be late
                continue
            again = await world.ask(said, step.get("by", "root"))
            if again.outcome in ("not_understood", "failed"):
                lost.append((step["said"], said, again.outcome))
    assert lost == []


async def test_a_conversation_survives_a_new_process(world: World) -> None:
    """What a follow-up refers to is in the database, in no process."""
    await world.ask("list vms in acme-prod", where="restarted")
    other = World(world.database, Pipeline(world.database, clock=lambda: world.now), world.clouds)
    follow = await other.ask("and the ones in error?", where="restarted")
    assert follow.slots == {"kind": "vm", "project": "acme-prod", "state": "error"}
