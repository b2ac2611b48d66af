"""Cards of one change in each of its states, at fixed times, for golden files."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.cards_of_changes import Card, View, card
from bot.replies import Reply
from engines.plans import Check, Plan, Step, Target, to_json
from storage.requests import JobRow, Request, Vote

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
TOKEN = "0123456789abcdef" * 2
_NAMES = {"bob": "Bob Ray", "carol": "Carol Diaz", "dave": "Dave <!channel>", "stackhand": "stackhand"}
PLAN = Plan(
    "restore", "Restore db-02 side by side",
    tuple(Target("pcd-1", "volume", f"vol-{n}", f"db-02-{n}", "p-1", {"size_gib": 200}) for n in range(7)),
    tuple(Step(f"s{n}", "volume.create", f"Make volume db-02-restored-{n}, 200 GiB", undo="remove") for n in range(8)),
    checks=(Check("quota", True, "512 of 600 GiB after it"), Check("addresses", True, "41 are free in net-db")),
    facts=(("from", "snapshots of 2026-11-24 02:00 UTC, 31 h old"), ("not brought back", "floating IP 203.0.113.9")),
    warnings=("10.20.0.22 is in use: db-02 gets a new address.",),
    blast="7 volumes of acme-prod (acme)", undo="everything that was made is removed", cost="about 0.40 € a day",
)  # fmt: skip


def request(**other: Any) -> Request:
    made = Request(
        12, TOKEN, "restore", to_json(PLAN), PLAN.digest, "bob", 'restore vm "db-02" #pcd-1/vm-2 from yesterday',
        "slack", "C1", "c", "pcd-1", "p-1", "approve", 2, "technical", "pending", AT, AT + timedelta(hours=1), 900,
        None, None, None, "", False, None, None, None, False,
    )  # fmt: skip
    return replace(made, **other)


def job(**other: Any) -> JobRow:
    made = JobRow(7, "running", "bob", AT, AT + timedelta(minutes=13), None, {}, {}, "", "", None, None, to_json(PLAN))
    return replace(made, **other)


_VOTES = (
    Vote("carol", "approve", AT + timedelta(minutes=11), ""),
    Vote("dave", "approve", AT + timedelta(minutes=12), ""),
)
_APPROVED: dict[str, Any] = {
    "decided_by": "dave", "decided_at": AT + timedelta(minutes=12), "job_id": 7, "run_by": AT + timedelta(minutes=27),
}  # fmt: skip
_OVER = {"ended_at": AT + timedelta(minutes=19), "progress": {}}
_GOING = {"step": 4, "steps": 8, "name": "Make volumes", "done": 3, "of": 7, "counts": {"made": 3, "failed": 1},
          "note": "db-02-restored-3"}  # fmt: skip
_LEFT = {"words": "3 volumes were made", "counts": {"made": 3, "failed": 1},
         "left": ["volume db-02-restored-1 (vol-991): 409 it is attached to <b>another</b> VM"]}  # fmt: skip


def _card(asked: Request, **other: Any) -> Card:
    return Card(PLAN, asked, **{"names": _NAMES, **other})


CARDS: dict[str, tuple[Card, View]] = {
    "pending": (_card(request(), votes=_VOTES[:1], could=("Dave <!channel>", "Erin")), "all"),
    "pending-approver": (_card(request(), could=("Carol Diaz", "Erin"), held="Changes are frozen."), "approver"),
    "confirm": (_card(request(mode="confirm", needed=0, approver_role="")), "all"),
    "running": (_card(request(state="running", **_APPROVED), votes=_VOTES, job=job(progress=_GOING)), "all"),
    "done": (
        _card(request(state="done", **_APPROVED), votes=_VOTES,
              job=job(state="done", outcome={"words": "db-02-restored answers"}, **_OVER)), "all",
    ),
    "failed": (
        _card(request(state="failed", **_APPROVED), votes=_VOTES,
              job=job(state="failed", error="Cinder said: 413 Over quota", fix="raise its quota, then retry",
                      outcome=_LEFT, **_OVER)), "all",
    ),
    "unsure": (
        _card(request(state="unsure", **_APPROVED), votes=_VOTES,
              job=job(state="unsure", error="the answer to “create volume” was lost", fix="volumes called JOB-7-4",
                      **_OVER)),
        "all",
    ),
    "expired": (_card(request(state="expired", decided_by="stackhand", decided_at=AT + timedelta(hours=1))), "all"),
    "denied": (
        _card(request(state="denied", decided_by="carol", decided_at=AT + timedelta(minutes=3),
                      reason="not before Monday")),
        "all",
    ),
    "changed": (
        _card(request(state="changed", decided_by="carol", decided_at=AT + timedelta(minutes=3),
                      reason="db-02-1: size gib 200 → 300")), "all",
    ),
}  # fmt: skip


def shown(name: str) -> Reply:
    told, view = CARDS[name]
    return card(told, view, AT + timedelta(minutes=16))
