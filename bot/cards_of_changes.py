"""A change as a card: what it would do, who decides, how far it is, what came of it. The same on every surface."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.deciding import BY_NAME, CHANGE, REVEAL, button, without_marks
from bot.naming import without_ids
from bot.outcomes import came_of, progress_of
from bot.replies import Choice, Choices, Fields, Part, Reply, Text
from engines.changes import decisions, freezes, needs
from engines.changes.freezes import stamp
from engines.changes.rights import LOCAL, Spot, reaches
from engines.changes.voices import SCHEDULE
from engines.plans import Check, Plan, from_json
from engines.restore.records import reset_words
from storage import passwords, people, requests
from storage.passwords import Reset
from storage.requests import JobRow, Request, Vote

View = Literal["all", "asker", "approver"]
"""For whom a card is: everybody in a channel, whoever asked, one who may approve. It decides about buttons alone."""

VIEWS: Mapping[str, View] = MappingProxyType({"all": "all", "asker": "asker", "approver": "approver"})

_MOST_STEPS = 5
_MOST_NAMES = 5
_MOST_FACTS = 12
_MOST_LINES = 6
_MOST_WORDS = 600


@dataclass(frozen=True, slots=True)
class Card:
    """All that a card tells. `names` of the people in it; `could` are names of who may approve; `held` what holds it
    up now; `glass`: the asker may decide alone, with a reason. `reset` is what became of a new password."""

    plan: Plan
    request: Request | None = None
    votes: Sequence[Vote] = ()
    job: JobRow | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    could: Sequence[str] = ()
    held: str = ""
    glass: bool = False
    reset: Reset | None = None


async def load(conn: AsyncConnection, request: Request) -> Card:
    """As it is now."""
    plan, votes = from_json(request.plan), await requests.votes(conn, request.id)
    job = await requests.job_of(conn, request.job_id) if request.job_id else None
    ids = {request.asker, request.decided_by, job.cancel_by if job else None, *(vote.person for vote in votes)}
    reset = await passwords.found(conn, request.job_id) if request.job_id and asks_for_one(plan) else None
    card = Card(plan, request, votes, job, {id_: await name_of(conn, id_) for id_ in ids if id_}, reset=reset)
    if request.state != "pending":
        return card
    roles = await needs.roles_of(conn, request.asker, plan, request_spot(request))
    need = await needs.need(conn, request.asker, plan, roles or {})
    glass = bool(roles and need.break_glass) and all(reaches(h, need.break_glass) for h in (roles or {}).values())
    freeze = await freezes.stops(conn, plan.kind, plan.projects)
    could = [name for _, name in await decisions.approvers(conn, request)]
    held = freezes.told(freeze) if freeze else ""
    glass = glass and (request.mode == "approve" or bool(held))
    return replace(card, could=could, held=held, glass=glass)


async def load_job(conn: AsyncConnection, id_: int) -> Card | None:
    """The card of a job: of its request, where it has one; None when there is no such job."""
    request = await requests.of_job(conn, id_)
    if request is not None:
        return await load(conn, request)
    job = await requests.job_of(conn, id_)
    return Card(from_json(job.plan), job=job) if job else None


def request_spot(request: Request) -> Spot:
    return Spot(request.surface, request.channel)


async def name_of(conn: AsyncConnection, id_: str) -> str:
    """A person's name; of nobody what they are."""
    if id_ == LOCAL:
        return "whoever works on this machine"
    if id_.startswith(SCHEDULE):
        return f"the schedule {id_.removeprefix(SCHEDULE)}"
    person = await people.person_by_id(conn, id_)
    return person.name if person else id_


def card(told: Card, view: View, now: datetime) -> Reply:
    """The parts of it, and the buttons that this state and reader have."""
    parts: list[Part] = [Text(_lead(told), "heading")]
    if told.job is not None:
        parts += progress_of(told.job, now)
    if told.job is not None and told.job.ended_at is not None and (told.request is None or told.request.run_by):
        parts += came_of(told.job)
    parts += _plan_parts(told.plan, _pairs(told), short=told.job is not None or _is_decided(told))
    if told.request is not None:
        parts += [Text(line) for line in _state_lines(told, told.request)]
        if told.request.state == "pending" and told.held:
            parts.append(Text(f"{told.held} It can be decided when that is over.", "warning"))
        choices = tuple(_buttons(told, told.request, view, now))
        parts += [Choices(choices)] if choices else []
    return Reply(tuple(parts), demo=told.plan.demo, about=_kinds(told.plan))


def _is_decided(told: Card) -> bool:
    return told.request is not None and told.request.state != "pending"


def dry_run(plan: Plan) -> Reply:
    """The plan, shown: nobody can run it."""
    parts = [
        Text(f"{plan.title}: a dry run, nothing is changed", "heading"),
        *_plan_parts(plan, _facts(plan), short=False),
    ]
    return Reply(tuple(parts), demo=plan.demo, about=_kinds(plan))


def _kinds(plan: Plan) -> tuple[str, ...]:
    return tuple(sorted({target.kind for target in plan.targets}))


_STATES = {
    "approved": "approved, about to begin",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "unsure": "nobody knows whether it was done",
    "denied": "denied",
    "withdrawn": "withdrawn",
    "expired": "expired, nothing was changed",
    "changed": "not as it was shown any longer, nothing was changed",
}


_MISSED = frozenset({"failed", "quota_blocked", "unsure", "prune_failed"})
"""Counts of a run that did its work, and yet not all of it."""
_JOB_STATES = {**_STATES, "waiting": "about to begin"}


def _lead(told: Card) -> str:
    request = told.request
    if request is None:
        state = _JOB_STATES.get(told.job.state, told.job.state) if told.job else ""
        return f"{told.plan.title}: {state}" if state else told.plan.title
    if request.state == "pending":
        return f"{told.plan.title}?" if request.mode == "confirm" else f"{told.plan.title}: waits for approval"
    return f"{told.plan.title}: {_STATES.get(request.state, request.state)}"


def _plan_parts(plan: Plan, pairs: tuple[tuple[str, str], ...], *, short: bool) -> Iterator[Part]:
    """`short`: what was decided already is told without its steps and checks."""
    yield Fields(pairs)
    if short:
        return
    if plan.steps:
        lines = [f"{at}. {_cut(step.does)}" for at, step in enumerate(plan.steps[:_MOST_STEPS], 1)]
        more = len(plan.steps) - _MOST_STEPS
        yield Text("\n".join([*lines, *([f"{more} more step{'s' if more != 1 else ''}"] if more > 0 else [])]))
    if plan.checks:
        first = sorted(plan.checks, key=lambda check: check.well)
        marks = [
            f"{'✓' if c.well else '✗'} {c.name}{f': {_cut(c.detail)}' if c.detail else ''}" for c in first[:_MOST_LINES]
        ]
        more = len(first) - _MOST_LINES
        yield Text(
            "\n".join([*marks, *([f"{more} more check{'s' if more != 1 else ''}, all well"] if more > 0 else [])])
        )
    for warning in plan.warnings[:_MOST_LINES]:
        yield Text(_cut(warning), "warning")
    if len(plan.warnings) > _MOST_LINES:
        yield Text(f"{len(plan.warnings) - _MOST_LINES} more warnings", "warning")


def _mark(check: Check) -> str:
    return f"{'✓' if check.well else '✗'} {check.name}{f': {_cut(check.detail)}' if check.detail else ''}"


def _cut(words: str) -> str:
    """Short enough that a card stays one message everywhere; the plan keeps all of it."""
    return words if len(words) <= _MOST_WORDS else words[:_MOST_WORDS] + " …"


def _facts(plan: Plan) -> tuple[tuple[str, str], ...]:
    names = [target.name for target in plan.targets]
    shown = ", ".join(names[:_MOST_NAMES]) + (
        f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    )
    pairs = [
        ("what", shown),
        ("touches", plan.blast),
        *plan.facts[:_MOST_FACTS],
        ("undo", plan.undo),
        ("cost", plan.cost),
    ]
    return tuple((label, _cut(value)) for label, value in pairs if value)


def _pairs(told: Card) -> tuple[tuple[str, str], ...]:
    request = told.request
    if request is None:
        return ((("job", f"JOB-{told.job.id}"),) if told.job else ()) + _facts(told.plan)
    said = without_ids(without_marks(request.said)).strip()
    who = told.names.get(request.asker, request.asker)
    asked = f"{who}: “{said[:300]}”" if said else who
    job = f" · JOB-{request.job_id}" if request.job_id else ""
    return (
        ("request", f"{request.name}{job}"),
        *_facts(told.plan),
        *_password(told, request),
        ("asked by", f"{asked} · {stamp(request.created_at)}"),
    )


def asks_for_one(plan: Plan) -> bool:
    """Whether a new password is part of it."""
    return any(step.action == "restore.password" for step in plan.steps)


def _password(told: Card, request: Request) -> tuple[tuple[str, str], ...]:
    """That it was reset and to whom it was shown; the password itself is on no card."""
    words = reset_words(told.reset, told.names.get(request.asker, request.asker)) if told.reset else ""
    return (("password reset", words),) if words else ()


def _state_lines(told: Card, request: Request) -> Iterator[str]:
    votes = [f"{told.names.get(v.person, v.person)} ({stamp(v.at)})" for v in told.votes if v.verdict == "approve"]
    by = told.names.get(request.decided_by or "", request.decided_by or "")
    at = stamp(request.decided_at) if request.decided_at else ""
    why = f" Reason: {request.reason}" if request.reason else ""
    match request.state:
        case "pending" if request.mode == "approve":
            yield from _waiting(told, request, votes)
        case "pending":
            who = told.names.get(request.asker, request.asker)
            yield f"Nothing was changed yet. Only {who} can confirm it, until {stamp(request.approve_by)}."
        case "denied":
            yield f"Denied by {by} {at}.{why}"
        case "withdrawn":
            yield f"Taken back by {by} {at}."
        case "expired":
            what = "begun" if request.run_by else "decided on"
            yield f"It was not {what} by {stamp(request.run_by or request.approve_by)}."
        case "changed":
            yield f"Closed {at}: {request.reason}."
        case _ if request.break_glass:
            yield f"Decided alone by {by} {at}, past the approval of others (break-glass).{why}"
        case _ if request.mode == "approve":
            yield f"Approved by {', '.join(votes) or f'{by} ({at})'}."
        case _ if request.mode == "confirm":
            yield f"Confirmed by {by} {at}."
    if request.state == "approved" and request.run_by:
        yield f"It begins by {stamp(request.run_by)}, or not at all."


def _waiting(told: Card, request: Request, votes: Sequence[str]) -> Iterator[str]:
    people = "approval by somebody else" if request.needed == 1 else "approvals by other people"
    could = ", ".join(told.could[:_MOST_NAMES]) or "nobody at the moment"
    more = f" and {len(told.could) - _MOST_NAMES} more" if len(told.could) > _MOST_NAMES else ""
    yield f"It needs {request.needed} {people} with the role {request.approver_role}: {could}{more} can."
    if votes:
        yield f"{len(votes)} of {request.needed} approved: {', '.join(votes)}."
    yield f"Expires {stamp(request.approve_by)}."


def _approving(plan: Plan, token: str) -> Choice:
    """Where a name is asked for, the button asks for it."""
    return button("approve…", BY_NAME, token) if plan.typed else button("approve", "approve", token)


def _changing(plan: Plan, token: str) -> Iterator[Choice]:
    """What may be wished otherwise: a new plan takes the place of this one."""
    if "wish" not in plan.options:
        return
    if plan.options.get("mode") == "replace" and not plan.options.get("safety"):
        yield button("snapshot it first", CHANGE, token, "the original, before anything else", tail="ask safety=yes")
    yield button("change…", CHANGE, token)


def _buttons(told: Card, request: Request, view: View, now: datetime) -> Iterator[Choice]:
    token = request.token
    if request.state == "pending" and request.mode == "confirm":
        if view != "approver":
            if not told.held:
                yield _approving(told.plan, token) if told.plan.typed else button("yes, do it", "confirm", token)
            yield button("no", "withdraw", token)
    elif request.state == "pending":
        if view != "asker":
            yield _approving(told.plan, token)
            yield button("deny…", "deny", token)
        if view != "approver":
            yield button("withdraw", "withdraw", token)
    if request.state == "pending" and view != "approver":
        yield from _changing(told.plan, token)
    if request.state == "pending" and told.glass and view != "approver":
        yield button("break glass…", "break_glass", token, "alone, with a reason that is posted")
    if told.reset is not None and view == "asker" and told.reset.can_be_shown(now):
        yield button("show the password once", REVEAL, token)
    if request.job_id and request.state in ("approved", "running") and not (told.job and told.job.cancel_at):
        yield button("cancel", "cancel", token)
    if request.state in ("changed", "expired", "failed") and view != "approver" and request.said:
        yield Choice("ask again", request.said, "a new plan")
    if told.job and request.kind == "snapshot_run" and _MISSED & (told.job.outcome.get("counts") or {}).keys():
        yield Choice("what did not work", "how did the last snapshot run go?")
