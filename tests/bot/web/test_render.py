from html.parser import HTMLParser

import pytest

from bot.replies import Chart, Choices, Column, Reply, Table
from bot.web.render import MOST_ROWS, Charts, Renderer
from tests.bot.adapters.samples import HOSTILE, NOW, SAMPLES, check_golden

ALLOWED = frozenset(
    {
        "article",
        "p",
        "bdi",
        "h2",
        "h3",
        "dl",
        "div",
        "dt",
        "dd",
        "span",
        "time",
        "small",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "button",
        "i",
        "figure",
        "img",
        "a",
        "svg",
        "path",
        "picture",
        "source",
        "progress",
        "footer",
    }
)


class Seen(HTMLParser):
    """Every element and attribute of a piece of HTML, as a browser would understand it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def renderer() -> Renderer:
    return Renderer(Charts())


@pytest.mark.parametrize("name", SAMPLES)
def test_a_reply_as_html_is_as_kept(name: str, renderer: Renderer) -> None:
    check_golden(f"html/{name}.html", renderer.reply(SAMPLES[name], "session", NOW))


def test_hostile_data_makes_no_element_and_no_attribute(renderer: Renderer) -> None:
    html = renderer.reply(SAMPLES["hostile"], "session", NOW) + renderer.said(HOSTILE[0], HOSTILE, NOW, HOSTILE[9])
    seen = Seen(html)
    assert set(seen.tags) <= ALLOWED and "script" not in seen.tags
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "style"]
    assert not [c for c in seen.text if c in "\x00\x1b\x07\u202e\u202c\u200f"]
    assert HOSTILE[0] in seen.text and HOSTILE[10] in seen.text
    html.encode("utf-8")


def test_a_choice_says_exactly_what_it_was_given(renderer: Renderer) -> None:
    html = renderer.reply(SAMPLES["hostile"], "session", NOW)
    said = [value for name, value in Seen(html).attributes if name == "data-say" and value != "export that"]
    given = [c.said for p in SAMPLES["hostile"].parts if isinstance(p, Choices) for c in p.choices]
    assert said == [text.replace("\ud800", "?").replace("\0", "") for text in given]


@pytest.mark.parametrize(("given", "total"), [(0, 0), (1, 1), (12, 12), (13, 13), (50, 51), (200, 200), (250, 10_000)])
def test_rows_add_up(given: int, total: int, renderer: Renderer) -> None:
    table = Table((Column("n", "n", "int"),), tuple((n,) for n in range(given)), total)
    html = renderer.reply(Reply((table,)), "session", NOW)
    shown = html.count("<tr") - (1 if given else 0)
    folded = html.count("<tr hidden")
    assert shown == min(given, MOST_ROWS)
    assert folded == (0 if given <= 12 else shown - 10) and (not folded or f"Show {folded} more" in html)
    left = total - shown
    assert (f"{left:,} more of" in html or f"{left} more of" in html) == (left > 0)


def test_charts_are_kept_by_session_and_not_without_end() -> None:
    charts = Charts()
    (chart,) = SAMPLES["quota"].parts
    assert isinstance(chart, Chart)
    digest = charts.put("ann", chart)
    assert charts.get("ann", digest) is chart and charts.get("bob", digest) is None
    for n in range(600):
        charts.put(f"s{n}", chart)
    assert charts.get("ann", digest) is None


def test_what_was_said_is_shown_without_the_marks_of_its_buttons() -> None:
    said = Renderer(Charts()).said("show vm bastion #44a7fab9-d627-4921-ad1e-fd2d0618cac5 for real", (), NOW)
    assert "show vm bastion for real" in said and "44a7fab9" not in said
