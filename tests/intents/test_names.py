"""Names: candidates for the look-up, exact and loose spellings, near ones, and the size of the inventory."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intents.names import Names, fold, spans
from intents.readings import Name

SOME = Names(
    [
        Name("vm", "web-01"),
        Name("vm", "ERP DB Primary"),
        Name("vm", "Müller-Büro-PC"),
        Name("project", "acme"),
        Name("domain", "acme"),
        Name("project", "acme-prod"),
        Name("owner", "Carol Díaz"),
        Name("runbook", "orphan_resource_cleanup"),
        ("6f1c2f9e-5b1c-4a52-9d4e-0a5f6f0c9a11", Name("vm", "by-id", "7")),
    ]
)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("show web-01", "web-01"),
        ("show web-01's owner", "web-01"),
        ("is web-01?", "web-01"),
        ("show (web-01).", "web-01"),
        ("info on erp db primary please", "erp db primary"),
        ("show `Legacy Box 2`", "legacy box 2"),
        ("who has 10.0.0.7", "10.0.0.7"),
        ("find fa:16:3e:4b:9c:01 now", "fa:16:3e:4b:9c:01"),
        ("show 6f1c2f9e-5b1c-4a52-9d4e-0a5f6f0c9a11", "6f1c2f9e-5b1c-4a52-9d4e-0a5f6f0c9a11"),
        ("acme prod", "acme-prod"),
        ("acme prod", "acme_prod"),
        ("power off Müller-Büro-PC", "müller-büro-pc"),
        ("show app01.corp.example.com.", "app01.corp.example.com"),
    ],
)
def test_spans_hold_what_may_be_a_name(said: str, wanted: str) -> None:
    assert wanted in spans(said)


def test_spans_of_hostile_text_stay_few() -> None:
    assert len(spans("a " * 5000)) < 20_000
    assert spans("") == ()
    assert spans("\u202e\u200b") == ()


@given(st.text(max_size=60))
def test_fold_is_normalise_then_lower(text: str) -> None:
    assert fold(text) == unicodedata.normalize("NFKC", text).lower()


def test_at_is_exact_and_like_is_loose() -> None:
    assert [n.name for n in SOME.at("web-01")] == ["web-01"]
    assert SOME.at("web 01") == ()
    assert [n.name for n in SOME.like("web 01")] == ["web-01"]
    assert {n.kind for n in SOME.at("acme")} == {"project", "domain"}
    assert [n.name for n in SOME.like("carol")] == ["Carol Díaz"]
    assert [n.name for n in SOME.at("6f1c2f9e-5b1c-4a52-9d4e-0a5f6f0c9a11")] == ["by-id"]


def test_near_offers_what_is_similar() -> None:
    assert [n.name for n in SOME.near("webb-01", {"vm"}, 3)] == ["web-01"]
    assert SOME.near("webb-01", {"project"}, 3) == ()
    assert SOME.near("something else", (), 3) == ()


def test_from_json_takes_names_and_objects() -> None:
    found = Names.from_json({"vm": [{"name": "a", "project": "p", "ip": ["1.2.3.4"]}], "tag": ["pci"]})
    assert found.at("a")[0].project == "p"
    assert found.at("pci")[0].kind == "tag"


def test_a_hundred_thousand_names_are_built_and_searched_quickly() -> None:
    began = time.thread_time()
    many = Names(Name("vm", f"srv-{n:06d}.corp") for n in range(100_000))
    assert many.near("srv-0123456.corp", {"vm"}, 3)
    assert time.thread_time() - began < 4  # far below on a quiet machine; a bound against quadratic work
    assert many.at("srv-099999.corp")
