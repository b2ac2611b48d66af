import io
import json
import re
from dataclasses import asdict, replace
from html import unescape
from typing import Any, Literal

import openpyxl
import pytest

from bot.adapters.slack.blocks import Attachment, Rendered, render
from bot.replies import Bar, Chart, Choice, Choices, Column, Fields, File, Freshness, Reply, Table, Text
from tests.bot.adapters.samples import NOW, check_golden
from tests.bot.adapters.slack.checker import check_post
from tests.bot.adapters.slack.samples import PINGS, SAMPLES, listed, many, vms


def as_kept(rendered: Rendered) -> str:
    """Posts and files as JSON; of what is in a file only whether there is something."""
    files = [
        {name: bool(value) if name == "content" else value for name, value in asdict(file).items()}
        for file in rendered.files
    ]
    posts = [asdict(post) for post in rendered.posts]
    return json.dumps({"posts": posts, "files": files}, ensure_ascii=False, indent=1) + "\n"


def problems(rendered: Rendered) -> list[str]:
    return [line for post in rendered.posts for line in check_post(post.text, post.blocks)]


def blocks_of(rendered: Rendered, kind: str) -> list[dict[str, Any]]:
    return [block for post in rendered.posts for block in post.blocks if block["type"] == kind]


def words(rendered: Rendered) -> str:
    """All that the posts show, as it is read."""

    def read(value: Any) -> list[str]:
        if isinstance(value, dict):
            if isinstance(value.get("text"), str):
                is_escaped = value["type"] in ("plain_text", "mrkdwn")
                return [unescape(value["text"]) if is_escaped else value["text"]]
            return [text for name, one in value.items() if name != "value" for text in read(one)]
        return [text for one in value for text in read(one)] if isinstance(value, list | tuple) else []

    return "\n".join(read([post.blocks for post in rendered.posts]))


def sheet(file: Attachment) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(file.content)).worksheets[0].iter_rows(values_only=True))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_reply_is_as_kept(name: str) -> None:
    rendered = render(SAMPLES[name], now=NOW)
    check_golden(f"slack/{name}.json", as_kept(rendered))
    assert problems(rendered) == []


def test_two_replies_are_as_kept() -> None:
    kept = [json.loads(as_kept(render(SAMPLES[name], now=NOW))) for name in ("counts", "chart")]
    check_golden("slack/two-replies.json", json.dumps(kept, ensure_ascii=False, indent=1) + "\n")


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.startswith("hostile")])
def test_an_answer_is_one_card(name: str) -> None:
    assert len(render(SAMPLES[name], now=NOW).posts) == 1


@pytest.mark.parametrize("given", [0, 1, 50, 51, 100, 101, 400, 10_000])
@pytest.mark.parametrize("beyond", [0, 1, 9_950])
def test_no_row_is_lost_silently(given: int, beyond: int) -> None:
    rendered = render(listed(given, given + beyond), now=NOW)
    assert problems(rendered) == []
    native = blocks_of(rendered, "data_table")
    shown = len(native[0]["rows"]) - 1 if native else 0
    told = re.search(r"([\d,]+) more of ([\d,]+)", words(rendered))
    more, total = (int(number.replace(",", "")) for number in told.groups()) if told else (0, given + beyond)
    assert (shown + more, total) == (given + beyond, given + beyond)
    assert shown >= min(given, 80), "a list of the usual width shows most of a hundred rows"
    assert bool(rendered.files) == (given > shown)
    if rendered.files:
        names = [row[0] for row in sheet(rendered.files[0])]
        assert names == ["name", *(f"web-{n:05}" for n in range(given))]
        assert rendered.files[0].name in words(rendered)
    assert ("export that" in words(rendered)) == (beyond > 0)


def test_a_reply_with_a_file_of_its_own_gets_no_other() -> None:
    file = File("all.csv", "text/csv", b"", "file-9")
    rendered = render(Reply((vms(200, 200), file)), now=NOW)
    assert [one.id for one in rendered.files] == ["file-9"]
    assert "see all.csv" in words(rendered)


def test_a_file_that_was_not_kept_is_said_and_not_sent() -> None:
    rendered = render(Reply((File("../../lost\u202e.csv", "text/csv", b""),)), now=NOW)
    assert rendered.files == ()
    assert "lost.csv was not kept: ask for it again" in words(rendered)


def test_the_longest_table_is_native_the_others_are_text() -> None:
    rendered = render(Reply((vms(3, 3, "Few"), vms(30, 30, "Many"), vms(4, 4, "Some"))), now=NOW)
    assert [block["caption"] for block in blocks_of(rendered, "data_table")] == ["Many"]
    text = [block["elements"][0]["elements"][0]["text"] for block in blocks_of(rendered, "rich_text")
            if block["elements"][0]["type"] == "rich_text_preformatted"]  # fmt: skip
    assert [len(one.split("\n")) - 2 for one in text] == [3, 4]
    assert [block["rows"][1][0]["text"] for block in blocks_of(rendered, "data_table")] == ["web-00000"]


def test_the_same_table_twice_is_native_once() -> None:
    table = vms(5, 5)
    assert problems(render(Reply((table, table, table)), now=NOW)) == []


def test_a_text_table_that_is_cut_tells_what_is_missing() -> None:
    rendered = render(Reply((vms(90, 90, "Native"), vms(80, 300, "Text"))), now=NOW)
    assert problems(rendered) == []
    told = re.findall(r"(\d+) more of 300 · 80 rows in (\S+)", words(rendered))
    assert len(told) == 1 and told[0][1] == "text-2026-11-25.xlsx"
    assert re.search(r"^web-00000  ACTIVE ", words(rendered), re.M)
    shown = len(re.findall(r"^web-\d{5}  ", words(rendered), re.M))
    assert shown + int(told[0][0]) == 300
    assert "export that" not in words(rendered), "an export would be of the other table"


def test_columns_beyond_twenty_are_counted_named_and_in_the_file() -> None:
    columns = tuple(Column(f"c{n}", f"column {n}", "int") for n in range(25))
    rendered = render(Reply((Table(columns, (tuple(range(25)),), 1),)), now=NOW)
    assert problems(rendered) == []
    assert "5 more columns: column 20, column 21, column 22, column 23, column 24 · the row in" in words(rendered)
    assert sheet(rendered.files[0])[1] == tuple(range(25))


def test_a_cut_cell_is_whole_in_the_file() -> None:
    rendered = render(Reply((Table((Column("n", "note"),), (("x" * 5000,), ("short",)), 2),)), now=NOW)
    assert blocks_of(rendered, "data_table")[0]["rows"][1][0]["text"] == "x" * 199 + "…"
    assert sheet(rendered.files[0])[1] == ("x" * 5000,)
    assert "more of" not in words(rendered)


@pytest.mark.parametrize("row", [(), (1,), (1, 2, 3, 4, 5)])
def test_a_row_of_another_width_loses_nothing_else(row: tuple[int, ...]) -> None:
    table = Table((Column("a", "a", "int"), Column("b", "b", "int")), (row,) * 120, 120)
    assert problems(render(Reply((table, table)), now=NOW)) == []


def test_numbers_are_numbers_and_unknown_is_a_dash() -> None:
    rows = ((1024, None), (10**20, float("nan")), (True, float("inf")))
    block = blocks_of(render(Reply((Table((Column("m", "m", "mib"), Column("f", "f", "float")), rows, 3),)), now=NOW),
                      "data_table")[0]  # fmt: skip
    assert block["rows"][1] == [
        {"type": "raw_number", "value": 1024, "text": "1 GiB"},
        {"type": "raw_text", "text": "—"},
    ]
    assert [row[0]["type"] for row in block["rows"]] == ["raw_text", "raw_number", "raw_text", "raw_text"]
    assert [row[1]["text"] for row in block["rows"][2:]] == ["—", "—"]


def test_empty_cells_and_titles_are_never_sent_empty() -> None:
    table = Table((Column("", ""), Column("b", "\u200b")), (("", " "), ("\u202e", "\n")), 2, "\u200b")
    assert problems(render(Reply((table, Fields((("", ""),)), Choices((Choice("", "say"),)))), now=NOW)) == []


def test_a_chart_is_words_in_the_card_and_a_picture_with_the_same_words() -> None:
    rendered = render(SAMPLES["chart"], now=NOW)
    [picture] = rendered.files
    assert picture.content.startswith(b"\x89PNG") and picture.mime == "image/png" and picture.id == ""
    assert picture.alt == "acme-dev is over its limit, acme-prod uses 90 %." and picture.title == "Nearest to a limit"
    assert picture.alt in words(rendered) and picture.title in words(rendered)


def test_bars_that_are_not_drawn_are_counted_and_in_a_file() -> None:
    chart = Chart("Many", tuple(Bar(f"b{n}", n) for n in range(40)))
    rendered = render(Reply((chart,)), now=NOW)
    assert "15 more of 40 · 40 rows in many-2026-11-25.xlsx" in words(rendered)
    assert len(sheet(rendered.files[1])) == 41


@pytest.mark.parametrize("count", [1, 5, 6, 100, 101, 250])
def test_up_to_five_choices_are_buttons_more_are_menus(count: int) -> None:
    rendered = render(many(count), now=NOW)
    assert problems(rendered) == []
    elements = [one for block in blocks_of(rendered, "actions") for one in block["elements"]]
    said = [one["value"] for one in elements if one["type"] == "button"]
    said += [option["value"] for one in elements if one["type"] == "static_select" for option in one["options"]]
    assert said == [f"show vm db-{n:02}" for n in range(count)]
    assert {one["type"] for one in elements} == ({"button"} if count <= 5 else {"static_select"})
    assert [one["action_id"] for one in elements if one["type"] == "button"] == [
        f"say:{n}" for n in range(1, count + 1) if count <= 5
    ]


def test_a_choice_that_says_too_much_for_a_menu_is_a_button_and_for_a_button_is_said() -> None:
    long, too_long = "show " + "x" * 500, "show " + "x" * 2000
    choices = (*(Choice(f"c{n}", f"c{n}") for n in range(6)), Choice("long", long), Choice("lost one", too_long))
    rendered = render(Reply((Choices(choices),)), now=NOW)
    assert problems(rendered) == []
    assert [
        one["value"] for block in blocks_of(rendered, "actions") for one in block["elements"] if "value" in one
    ] == [long]
    assert "1 choice is no button here" in words(rendered) and "“lost one”" in words(rendered)


def test_hints_are_told_whatever_their_length() -> None:
    hint = "h" * 90
    for count in (2, 7):
        rendered = render(
            Reply((Choices(tuple(Choice(f"c{n}", f"c{n}", f"{hint}{n}") for n in range(count))),)), now=NOW
        )
        assert all(f"{hint}{n}" in words(rendered) for n in range(count))


def test_what_a_button_says_is_said_to_the_letter() -> None:
    said = "show vm <a&b>\u200b `x` *b*"
    rendered = render(Reply((Choices((Choice("x", said), Choice("y", "half\ud800\0"))),)), now=NOW)
    assert [one["value"] for one in blocks_of(rendered, "actions")[0]["elements"]] == [said, "half?"]


def test_demo_private_age_and_scope_stand_in_the_last_line() -> None:
    reply = replace(SAMPLES["counts"], demo=True, private=True)
    last = render(reply, now=NOW).posts[-1].blocks[-1]
    assert [one["text"] for one in last["elements"]] == [
        "*DEMO*",
        "Only you see this · acme-prod (acme) · OpenStack pcd-1 · 3 min old",
    ]
    assert render(reply, now=NOW).posts[0].text.startswith("DEMO · ")


@pytest.mark.parametrize("name", ["counts", "chart", "progress", "not-allowed"])
def test_that_data_are_old_is_said_right_below_the_answer(name: str) -> None:
    reply = replace(SAMPLES[name], freshness=Freshness(None, ("vc-1 is silent.", "pcd-1 too.")))
    lines = words(render(reply, now=NOW)).split("\n")
    at = 1 if isinstance(reply.parts[0], Text) else len(lines) - 3
    assert lines[at : at + 2] == ["⚠️ vc-1 is silent.", "⚠️ pcd-1 too."]


def test_an_empty_reply_is_still_a_message() -> None:
    rendered = render(Reply(()), now=NOW)
    assert "There is nothing to show." in words(rendered) and problems(rendered) == []


def test_a_text_without_end_goes_on_in_few_messages_and_then_in_a_file() -> None:
    lines = [f"line {n} of the story" for n in range(8000)]
    rendered = render(Reply((Text("Long", "heading"), Text("\n".join(lines)), Choices((Choice("b", "say b"),))),
                            scope="all", demo=True, freshness=Freshness(NOW)), now=NOW)  # fmt: skip
    assert problems(rendered) == [] and len(rendered.posts) == 3
    assert re.search(r"\d+ more parts of this answer: all of it is in answer.txt", words(rendered))
    whole = rendered.files[0].content.decode()
    assert all(line in whole for line in lines) and "b: say 'say b'" in whole
    assert rendered.posts[-1].blocks[-1]["elements"][0]["text"] == "*DEMO*"


@pytest.mark.parametrize("style", ["heading", "plain", "note", "warning"])
def test_a_long_text_of_signs_is_whole(style: Literal["heading", "plain", "note", "warning"]) -> None:
    rendered = render(Reply((Text("<&>" * 1500 + "end", style), Text("after"))), now=NOW)
    assert problems(rendered) == [] and rendered.files == ()
    assert "<&>" * 1500 + "endafter" in re.sub(r"\s", "", words(rendered))


def test_long_paragraphs_are_whole() -> None:
    text = " ".join(f"word{n}" for n in range(1200))
    rendered = render(Reply((Text(text), Fields((("l", text), ("m", "v" * 4000))))), now=NOW)
    assert problems(rendered) == [] and rendered.files == ()
    read = re.sub(r"\s", "", words(rendered))
    assert read.count(text.replace(" ", "")) == 2 and "v" * 4000 in read


@pytest.mark.parametrize("name", PINGS)
def test_no_name_pings_links_or_formats_wherever_it_stands(name: str) -> None:
    choices = Choices((Choice(name, name, name),) * 3, name)
    menu = Choices((Choice(name, "say", name),) * 7, name)
    table = Table((Column("n", name), Column("m", "m", "list")), ((name, [name]),) * 3, 9, name)
    texts = (Text(name, "heading"), Text(name), Text(name, "note"), Text(name, "warning"))
    reply = Reply((*texts, Fields(((name, name),), name), table, table, choices, menu), scope=name,
                  freshness=Freshness(NOW, (name,)))  # fmt: skip
    assert problems(render(reply, now=NOW)) == []


def test_the_checker_would_notice() -> None:
    wrong = [
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*l*\n<!channel>", "verbatim": True}]},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*l*\nsee *this* now", "verbatim": True}]},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*l*\n:fire:", "verbatim": True}]},
        {"type": "header", "text": {"type": "plain_text", "text": "a & b", "emoji": False}},
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 151, "emoji": False}},
        {"type": "actions", "elements": []},
    ]
    found = check_post("see `this`", wrong)
    assert [line.split(":")[0] for line in found] == [
        "text",
        *(f"{n} {block['type']}" for n, block in enumerate(wrong)),
    ]
    assert check_post("fine", [{"type": "divider"}] * 51) == ["51 blocks"]
