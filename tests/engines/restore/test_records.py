"""The record of a restore as PDF and CSV."""

import csv
import io
import re
from datetime import timedelta

import pytest

from engines.plans import to_json
from engines.restore.record_pages import as_pdf
from engines.restore.records import as_csv, duration
from engines.restore.wishes import Wish
from storage.database import Database
from storage.restores import RanStep, Restore
from tests.engines.restore.places import NOW, planned, small_place, store

HOSTILE = "<b>&x</b> =HYPERLINK(1) \x00\u202e日本" + "x" * 3000


async def record(database: Database, title: str) -> tuple[Restore, dict, list[RanStep]]:  # type: ignore[type-arg]
    await store(database, small_place())
    plan = await planned(database, Wish(mode="replace", safety=True))
    ended = NOW + timedelta(seconds=340)
    one = Restore(
        7, 12, title, False, "one", "pa", "bob", ("carol",), plan.options, "failed", NOW, NOW, ended, {},
        {"left": [{"what": "port p9 stays", "fix": "openstack port delete p9"}]}, title, "", None,
    )  # fmt: skip
    steps = [
        RanStep(n, step.name, "done", 1, NOW, NOW + timedelta(seconds=n), {}, title if n == 3 else "")
        for n, step in enumerate(plan.steps, 1)
    ]
    return one, to_json(plan), steps


@pytest.mark.parametrize("title", ["Replace db-02", HOSTILE])
async def test_a_pdf_and_a_csv_of_whatever_names_there_are(database: Database, title: str) -> None:
    one, plan, steps = await record(database, title)
    pdf = as_pdf(one, plan, steps, NOW)
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF") and len(re.findall(rb"/Type /Page\b", pdf)) >= 2
    rows = list(csv.reader(io.StringIO(as_csv(one, plan, steps).decode("utf-8-sig").replace("\x00", ""))))
    told = {row[0]: row[1] for row in rows if len(row) == 2}
    assert told["asked by"] == "bob" and told["approved by"] == "carol" and told["took"] == "5 min 40 s"
    assert "openstack port delete p9" in told["left to do by hand"]
    assert not any(cell[:1] in ("=", "+", "-", "@") for row in rows for cell in row)
    assert len([row for row in rows if len(row) == 8]) == len(steps) + 1


@pytest.mark.parametrize(("seconds", "told"), [(None, ""), (0.4, "0 s"), (59.4, "59 s"), (340, "5 min 40 s")])
def test_how_long_it_took(seconds: float | None, told: str) -> None:
    assert duration(seconds) == told
