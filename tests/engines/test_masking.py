"""A masked export hides what it must, the same way everywhere, and leaves the rest."""

import re
import time
from collections.abc import Iterator
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engines.clouds import Resource
from engines.clouds.demo import DemoWorld
from engines.exports import ExportColumn, export_csv, export_json
from engines.inventory.kinds import KINDS, Kind
from engines.masking import Mask

NAME = ExportColumn("name", "name", mask="name")
NOTE = ExportColumn("note", "note")
ID = "8f1c1f40-0000-4000-8000-000000000001"
STATE = ExportColumn("state", "state")
IPS = ExportColumn("addresses", "addresses", "list", mask="ip")


def test_one_name_has_one_token_on_every_sheet() -> None:
    mask = Mask()
    first = mask.rows([NAME], [("web-01",)])
    second = mask.rows([ExportColumn("vm", "VM", mask="name"), NOTE], [("web-01, db-02", "moved WEB-01 to rack 4")])
    token = first[0][0]
    assert re.fullmatch(r"name-[0-9a-f]{12}", token)
    assert second[0][0].split(", ")[0] == token
    assert second[0][1] == f"moved {token} to rack 4"


def test_a_name_is_found_beside_any_punctuation() -> None:
    said = "restarted web-01. Then WEB-01: up, acme/web-01, web-01/disk-1.vmdk, (web-01), =SUM(A1)! at 7.30 on 7 by db"
    (row, *_) = Mask().rows([NAME, NOTE], [("web-01", said), ("=SUM(A1)", ""), ("7", ""), ("db", ""), ("web", "")])
    assert "web" not in row[1].casefold() and "SUM" not in row[1]
    assert len(set(re.findall(r"name-[0-9a-f]{12}", row[1]))) == 4
    assert "/disk-1.vmdk" in row[1] and " at 7.30 on name-" in row[1] and not row[1].endswith("db")


def test_one_value_has_one_token_in_whatever_column() -> None:
    mask = Mask()
    columns = [NAME, IPS, ExportColumn("email", "mail", mask="mail"), ExportColumn("id", "id", mask="id"), NOTE]
    values = ("203.0.113.5", "j.doe@acme.example.com", ID, "fa:16:3e:00:00:01", "vm-1a2b")
    for value in values:
        (row,) = mask.rows(columns, [(value, [value], value, value, f"about {value}.")])
        assert {row[0], *row[1], row[2], row[3]} == {row[0]}
        assert row[4] == f"about {row[0]}."
    assert mask.token("203.0.113.5", "name").startswith("ip-") and mask.token("J@x.org", "name").startswith("mail-")


def test_many_names_that_start_alike_cost_no_more() -> None:
    rows = [(f"web-{n}", f"moved web-{n} off compute-{n}") for n in range(20_000)]
    start = time.process_time()
    masked = Mask().rows([NAME, NOTE], rows)
    assert time.process_time() - start < 10
    assert all("web" not in note for _, note in masked)


def test_two_exports_cannot_be_joined() -> None:
    assert Mask().token("web-01", "name") != Mask().token("web-01", "name")
    assert Mask(b"k" * 32).token("web-01", "name") == Mask(b"k" * 32).token("web-01", "name")


def test_spellings_of_one_address_share_a_token() -> None:
    mask = Mask()
    assert mask.token("2001:db8::1", "ip") == mask.token("2001:0DB8:0:0:0:0:0:1", "ip")
    assert mask.token("FA-16-3E-00-00-01", "mac") == mask.token("fa:16:3e:00:00:01", "mac")
    assert mask.token("8F1C1F40-0000-4000-8000-000000000001", "id") == mask.token(
        "8f1c1f40000040008000000000000001", "id"
    )


def test_numbers_states_and_times_stay() -> None:
    columns = [NAME, STATE, ExportColumn("n", "n", "int"), ExportColumn("at", "at", "time"), IPS]
    row = ("error", "error", 4, "2026-11-22T09:00:00Z", None)
    assert Mask().rows(columns, [row])[0][1:] == row[1:]


def test_addresses_in_lists_pools_and_ranges() -> None:
    mask = Mask()
    (row,) = mask.rows([IPS, IPS, NOTE], [(["10.0.0.1", "0.0.0.0/0"], ["10.0.0.1-10.0.0.9", "10.0.0.1/24"], "::/0")])
    token = mask.token("10.0.0.1", "ip")
    assert row[0] == [token, "0.0.0.0/0"]
    assert row[1][0].startswith(token + "-ip-") and row[1][1] == token + "/24"
    assert row[2] == "::/0"


def test_free_text_loses_mails_macs_ids_and_addresses() -> None:
    said = f"ask j.doe@acme.example.com about fa:16:3e:00:00:01, 2001:db8::7, 10.1.2.3 and {ID}"
    hidden = Mask().text(said)
    for gone in ("doe", "acme", "fa:16", "2001", "10.1", "8f1c"):
        assert gone not in hidden
    assert hidden.startswith("ask mail-") and " about mac-" in hidden
    assert Mask().text("started 09:30:15, took 3.5 s, version 24.04") == "started 09:30:15, took 3.5 s, version 24.04"


def test_metadata_is_hidden_on_both_sides() -> None:
    column = ExportColumn("metadata", "metadata", "list", mask="name")
    (row,) = Mask().rows([column], [(["owner=Bob Ray", "role="],)])
    assert "Bob" not in str(row) and row[0][0].count("=") == 1 and row[0][1].endswith("=")


def test_the_given_rows_are_not_changed() -> None:
    rows = [["web-01", ["10.0.0.1"]]]
    Mask().rows([NAME, IPS], rows)
    assert rows == [["web-01", ["10.0.0.1"]]]


names = st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=4, max_size=30).filter(str.strip)


@given(st.lists(names, min_size=1, max_size=6, unique=True), st.text("abc ", max_size=10))
@settings(max_examples=150, deadline=None)
def test_no_name_survives(given_names: list[str], words: str) -> None:
    assume(not any(n.casefold() in ("name", "note", "::/0") for n in given_names))
    columns = [NAME, ExportColumn("tags", "tags", "list", mask="name"), ExportColumn("description", "d", mask="name")]
    rows = [(n, [n, n], f"{words} {n} {words}") for n in given_names]
    masked = Mask(b"fixed").rows(columns, rows)
    cells = [str(c) for row in masked for c in (row[0], *row[1], row[2])]
    assert all(re.fullmatch(r"(name|mail|ip|mac|id)-[0-9a-f]{12}(/\d+)?", c) for c in cells)


@given(
    names, st.sampled_from(["", " ", ".", ":", "!", "/", ", ", '"', "\n", "_"]), st.sampled_from(["", " ", "(", "-"])
)
@settings(max_examples=150, deadline=None)
def test_no_name_survives_in_free_text(name: str, after: str, before: str) -> None:
    assume(any(c.isalnum() for c in name) and name != "::/0")
    (row,) = Mask(b"fixed").rows([NAME, NOTE], [(name, f"said {before}{name}{after} there")])
    token = re.compile(r"(name|mail|ip|mac|id)-[0-9a-f]{12}(/\d+)?")
    assert token.search(row[1])
    assert not re.search(rf"(?<![^\W_]){re.escape(name.casefold())}(?![^\W_])", token.sub("", row[1]).casefold())


async def test_a_masked_export_of_the_demo_contains_nothing_of_the_demo() -> None:
    world, secret = DemoWorld(vms=120), set[str]()
    mask, out = Mask(), ""
    for cloud in world.clouds(at=world.epoch):
        for kind_name in ("vm", "volume", "network", "port", "host", "user", "project"):
            if kind_name not in cloud.kinds:
                continue
            kind = KINDS[kind_name]
            columns = [NAME, *(ExportColumn(f.name, f.title, _type(f.type), f.mask) for f in kind.fields)]
            listed = await cloud.list(kind_name)
            rows = [(r.name, *({**r.attrs, **r.derived}.get(f.name) for f in kind.fields)) for r in listed]
            secret |= {r.name for r in listed} | {text for r in listed for text in _secrets(kind, r)}
            masked = mask.rows(columns, rows)
            out += export_csv(columns, masked).decode() + export_json(columns, masked).decode()
    text = out.casefold()
    found = [s for s in secret if len(s) > 6 and s.casefold() in text]
    assert len(secret) > 500
    assert found == []


def _secrets(kind: Kind, resource: Resource) -> Iterator[str]:
    yield from (str(a["ip"]) for a in resource.attrs.get("addresses", ()))
    for field in kind.fields:
        value = resource.attrs.get(field.name)
        if field.mask in ("id", "mac", "mail") and isinstance(value, str):
            yield value


def _type(given_type: str) -> Any:
    return "list" if given_type == "map" else given_type
