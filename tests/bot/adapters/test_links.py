"""Links to our own page: a path there, the public address elsewhere, nothing where it is not known."""

import json

from bot.adapters import text
from bot.adapters.slack.blocks import render as blocks
from bot.adapters.slack.editing import with_address
from bot.commands.contract import as_json
from bot.replies import Link, Reply, Text, from_json, to_json
from bot.told import Told
from bot.web.render import Charts, Renderer
from tests.bot.adapters.samples import NOW

REPLY = Reply((Text("dc1: 4 VMs", "heading"), Link("Open the plan", "/migrations/1/vms?risk=red")))


def slack(reply: Reply) -> str:
    return json.dumps([post.blocks for post in blocks(reply, now=NOW).posts])


def test_a_link_is_kept_and_told_to_scripts() -> None:
    assert from_json(json.loads(json.dumps(to_json(REPLY)))) == REPLY
    told = as_json(Told((REPLY,), (), 1), "", {}, NOW)
    assert told["links"] == [{"label": "Open the plan", "to": "/migrations/1/vms?risk=red"}]


def test_the_page_leads_to_itself_and_to_nobody_else() -> None:
    draw = Renderer(Charts())
    assert 'href="/migrations/1/vms?risk=red"' in draw.reply(REPLY, "s", NOW)
    for to in ("javascript:alert(1)", "//evil.example/", "https://evil.example/"):
        assert "<a " not in draw.reply(Reply((Link("here", to),)), "s", NOW)


def test_chat_has_the_public_address_or_no_link() -> None:
    shown = slack(with_address(REPLY, "https://stackhand.example.org/"))
    assert '"url": "https://stackhand.example.org/migrations/1/vms?risk=red"' in shown and "Open the plan" in shown
    for without in (with_address(REPLY, ""), REPLY):
        assert "migrations" not in slack(without) and "dc1: 4 VMs" in slack(without)


def test_a_terminal_shows_whole_addresses_alone() -> None:
    assert "migrations" not in text.render(REPLY, NOW)
    assert "https://x.example/migrations/1" in text.render(with_address(REPLY, "https://x.example"), NOW)
