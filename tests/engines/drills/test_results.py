"""Verdicts against targets, and the proof as PDF and CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engines.drills.records import COLUMNS, as_csv, as_pdf
from engines.drills.results import Proof, judge, summaries
from storage.drills import Drilled, Target, Targets
from storage.inventory import Found

AT = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
BOTH = Target(60, 24)


def drill(vm: str = "db-02", **more: Any) -> Drilled:
    checks = [
        {"name": "status", "well": True, "detail": "ACTIVE"},
        {"name": "console", "well": None, "detail": "is silent"},
    ]
    told: dict[str, Any] = {
        "job_id": 7, "number": 1, "source": "one", "project_id": "pa", "vm_id": vm, "vm": vm,
        "point_at": AT - timedelta(hours=9), "point": "complete (3 of 3 volumes)", "began_at": AT, "age_s": 9 * 3600.0,
        "restored_s": 340.0, "checks": checks, "outcome": "passed", "reason": "", "ended_at": AT,
    }  # fmt: skip
    return Drilled(**{**told, **more})


@pytest.mark.parametrize(
    ("last", "target", "verdict", "why"),
    [
        (None, BOTH, "never drilled", ""),
        (drill(), BOTH, "met", ""),
        (drill(), Target(), "no target", ""),
        (drill(restored_s=3600.0, age_s=86400.0), BOTH, "met", ""),
        (drill(restored_s=3601.0), BOTH, "missed", "RTO: took 60 min 1 s, target 1 h"),
        (drill(age_s=90000.0), BOTH, "missed", "RPO: data 25 h old, target 24 h"),
        (drill(age_s=90000.0), Target(rto_minutes=60), "met", ""),
        (drill(outcome="unproven"), BOTH, "not proven", "its console is silent"),
        (drill(outcome="unproven", restored_s=9999.0), BOTH, "missed", "RTO"),
        (drill(outcome="failed", reason="no host", restored_s=None), Target(), "missed", "no host"),
    ],
)
def test_verdicts(last: Drilled | None, target: Target, verdict: str, why: str) -> None:
    found, misses = judge(last, target)
    assert found == verdict and why in "; ".join(misses)


def test_a_projects_target_goes_before_that_of_everywhere() -> None:
    targets = Targets({("", ""): BOTH, ("one", "pa"): Target(rpo_hours=4, source="one", project_id="pa")})
    assert targets.of("one", "pa") == Target(60, 4, "one", "pa") and targets.of("one", "pb").rpo_hours == 24
    assert Targets().of("one", "pa").rto_minutes is None


def proofs(names: list[str]) -> list[Proof]:
    found = []
    for name in names:
        vm = Found(1, "one", "openstack", "vm", f"id-{name}", name, "pa", {}, {}, AT, AT, None)  # type: ignore[call-arg]
        last = (
            None
            if name == "new"
            else drill(name, left=({"what": "port p-1 could not be deleted", "fix": "openstack port delete p-1"},))
        )
        verdict, misses = judge(last, BOTH)
        found.append(Proof(vm, "acme-prod", last, BOTH, verdict, misses))
    return found


@pytest.mark.parametrize("name", ["db-02", "=HYPERLINK(1)", "<b>&</b>", "ünïcødé-数据库", "x" * 5000])
def test_a_pdf_and_a_csv_of_whatever_names_there_are(name: str) -> None:
    found = proofs([name, "new"])
    steps = {(7, 1): [("volume 1", 40.2), ("server", 61.0)]}
    pdf = as_pdf(found, summaries(found), steps, AT, False)
    assert pdf.startswith(b"%PDF") and pdf.rstrip().endswith(b"%%EOF")
    rows = list(csv.reader(io.StringIO(as_csv(found, steps).decode("utf-8-sig"))))
    assert rows[0] == list(COLUMNS) and len(rows) == 3
    assert rows[1][2] == ("'" + name if name.startswith("=") else name) and rows[1][10] == "9.0"
    assert "volume 1 40.2 s" in rows[1][16] and "openstack port delete p-1" in rows[1][18]
