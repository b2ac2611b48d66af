"""`ask --json`: every key is there whatever the answer is, and none changes its meaning."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.commands.contract import as_json
from bot.replies import Bar, Chart, Choice, Choices, Column, Fields, File, Freshness, Reply, Table, Text
from bot.told import Sure, Told

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
PROMISED = {
    "intent", "slots", "confidence", "source", "text", "table", "fields", "files", "choices", "request", "data_age_s",
    "took_ms", "outcome",
}  # fmt: skip


@pytest.mark.parametrize(
    "replies",
    [(), (Reply(()),), (Reply((), "failed"), Reply((), "ambiguous"))],
    ids=["none", "empty", "two"],
)
def test_the_promised_keys_are_always_there(replies: tuple[Reply, ...]) -> None:
    answer = as_json(Told(replies, (), 3), "said", {}, NOW)
    assert set(answer) >= PROMISED
    assert (answer["text"], answer["took_ms"], answer["table"], answer["data_age_s"]) == ("said", 3, None, None)
    assert ("answers" in answer) == (len(replies) > 1)


def test_a_whole_answer() -> None:
    reply = Reply(
        (
            Text("2 VMs", "heading"),
            Table((Column("name", "Name"), Column("memory_mib", "Memory", "mib")), (("a", 1024), ("b", None)), 7, "T"),
            Fields((("host", "h1"),)),
            Chart("C", (Bar("x", 1.0),), alt="in words"),
            File("vms.csv", "text/csv", b"abc"),
            Choices((Choice("All", "list all VMs", "7"),)),
        ),
        scope="all VMs",
        freshness=Freshness(NOW - timedelta(seconds=90), ("volume data are old",)),
        demo=True,
        intent="list",
        slots={"kind": "vm"},
    )
    answer = as_json(Told((reply,), (Sure(0.97, "template"),), 12), "text", {"vms.csv": Path("out/vms.csv")}, NOW)
    assert answer["table"] == {
        "title": "T",
        "columns": ["name", "memory_mib"],
        "types": ["text", "mib"],
        "rows": [["a", 1024], ["b", None]],
        "total": 7,
    }
    assert (answer["intent"], answer["slots"], answer["confidence"], answer["source"]) == (
        "list", {"kind": "vm"}, 0.97, "template",
    )  # fmt: skip
    assert answer["fields"] == {"host": "h1"}
    assert answer["files"] == [{"name": "vms.csv", "mime": "text/csv", "bytes": 3, "path": "out/vms.csv"}]
    assert answer["choices"] == [{"label": "All", "said": "list all VMs", "hint": "7"}]
    assert answer["charts"] == [{"title": "C", "alt": "in words"}]
    assert (answer["data_age_s"], answer["old"], answer["demo"]) == (90, ["volume data are old"], True)
    assert json.loads(json.dumps(answer)) == answer


def test_several_answers_keep_their_own_readings() -> None:
    told = Told((Reply((), intent="count"), Reply((), intent="list")), (Sure(0.9, "a"), Sure(0.5, "b")), 1)
    answer = as_json(told, "", {}, NOW)
    assert answer["intent"] == "count"
    assert [(one["intent"], one["confidence"]) for one in answer["answers"]] == [("count", 0.9), ("list", 0.5)]
