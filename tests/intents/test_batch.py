"""`intents match`: one line in, one line out, in order, whatever the lines hold."""

import io
import json

import pytest

from intents import batch
from intents.explain import explain
from tests.intents.sets import NOW, names

NAMES = names()
KEYS = {"intent", "slots", "confidence", "mood", "ask", "source", "cpu_ms"}


def run(*lines: str) -> tuple[int, list[dict[str, object]]]:
    target = io.StringIO()
    code = batch.match(io.StringIO("\n".join(lines) + "\n"), target, NAMES, NOW)
    return code, [json.loads(line) for line in target.getvalue().splitlines()]


def test_each_line_is_answered_in_order() -> None:
    code, found = run('{"text": "vms", "id": 1}', '{"text": "hello there"}', '{"text": "reboot billing-db"}')
    assert code == 0
    assert [line["intent"] for line in found] == ["list", None, "vm_reboot"]
    assert all(line.keys() == KEYS for line in found)


@pytest.mark.parametrize("line", ["{", "[]", "3", '{"text": 3}', '{"texts": "x"}', "null", "[" * 100_000, "\x00"])
def test_a_bad_line_is_named_and_the_rest_goes_on(line: str) -> None:
    code, found = run(line, '{"text": "vms"}')
    assert code == 1
    assert str(found[0]["error"]).startswith("line 1 ")
    assert found[1]["intent"] == "list"


def test_a_question_back_is_spelt_out() -> None:
    _, found = run('{"text": "who owns proxy"}')
    ask = found[0]["ask"]
    assert isinstance(ask, dict)
    assert (ask["why"], {name["project"] for name in ask["names"]}) == ("ambiguous", {"shop-prod", "shop-dev"})


def test_nothing_in_nothing_out() -> None:
    assert batch.match(io.StringIO(""), io.StringIO(), NAMES, NOW) == 0


def test_explain_says_which_words_said_what() -> None:
    told = explain("who owns bilingdb", NAMES, NOW)
    assert "intent     owner" in told
    assert "'who owns'" in told or "'owns'" in told
    assert "asks" in told
