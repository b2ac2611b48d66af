import warnings
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest

from bot import charts
from bot.replies import Bar, Chart
from tests.bot.adapters.samples import HOSTILE

QUOTA = Chart("VMs against quota", (Bar("acme-prod", 36, 40), Bar("acme-dev", 44, 40), Bar("globex", 6, 120)), "VMs")


def texts(svg: bytes) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_labels_values_and_title_are_text_in_the_picture() -> None:
    shown = texts(charts.draw(QUOTA))
    assert {"VMs against quota", "acme-prod", "36 of 40 VMs", "44 of 40 VMs", "6 of 120 VMs"} <= set(shown)


def test_what_is_near_or_over_its_limit_has_its_own_colour() -> None:
    light, dark = charts.draw(QUOTA).decode(), charts.draw(QUOTA, theme="dark").decode()
    assert all(colour in light for colour in ("#0f8b80", "#d98a06", "#cf3b33"))
    assert all(colour in dark for colour in ("#2fb8a9", "#e9a93a", "#ef6a61")) and "#0f8b80" not in dark
    calm = charts.draw(Chart("calm", (Bar("a", 1, 10),))).decode()
    assert "#d98a06" not in calm and "#cf3b33" not in calm


def test_hostile_labels_are_harmless_and_cut() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = charts.draw(Chart(HOSTILE[10], tuple(Bar(text, n) for n, text in enumerate(HOSTILE)), HOSTILE[0]))
    shown = texts(svg)
    assert "<script>alert(1)</script>" in shown and b"<script" not in svg
    assert any(text.startswith("xxxx") and text.endswith("…") and len(text) < 30 for text in shown)
    assert "gnp.exe" in shown and "$" in shown[0] + shown[-1] + "".join(shown)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), -3.0, 0.0, 1e300])
def test_strange_values_are_drawn(value: float) -> None:
    assert b"</svg>" in charts.draw(Chart("odd", (Bar("a", value), Bar("b", 1, value), Bar("c", value, value))))


def test_many_bars_are_cut_and_counted_and_none_is_said() -> None:
    shown = texts(charts.draw(Chart("many", tuple(Bar(f"p{n}", 40 - n) for n in range(40)))))
    assert "15 more are not drawn" in shown and "p24" in shown and "p25" not in shown
    assert "There is nothing to show." in texts(charts.draw(Chart("none", ())))


def test_a_png_is_a_picture_of_its_own() -> None:
    from io import BytesIO

    from PIL import Image

    image = Image.open(BytesIO(charts.draw(QUOTA, theme="dark", form="png")))
    assert image.width == 2 * (720 + 48) and image.convert("RGB").getpixel((2, 2)) == (0x17, 0x1C, 0x20)


def test_a_narrow_picture_says_the_same_on_a_phones_width() -> None:
    narrow = charts.draw(QUOTA, shape="narrow")
    assert set(texts(narrow)) == set(texts(charts.draw(QUOTA)))
    assert float(ElementTree.fromstring(narrow).attrib["viewBox"].split()[2]) == 244.8  # points: 340 pixels


def test_pictures_drawn_side_by_side_are_the_same_as_alone() -> None:
    alone = charts.draw(QUOTA)
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(lambda _: charts.draw(QUOTA), range(12))) == {alone}
