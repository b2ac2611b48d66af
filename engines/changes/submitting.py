"""A plan becomes a request, or is refused: what it needs is looked up when it is asked for."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.changes import freezes, needs
from engines.changes.launching import launch
from engines.changes.rights import holders, reaches
from engines.changes.rules import Need
from engines.changes.voices import Asker, Place, Refused, Submitted
from engines.plans import Plan, to_json
from storage import audit, requests
from storage.requests import Request

_TOKEN_BYTES = 16


async def submit(
    conn: AsyncConnection, plan: Plan, asker: Asker, place: Place, now: datetime | None = None
) -> Submitted:
    """In the caller's transaction, with its record. Refused: nothing was kept but that."""
    await audit.lock(conn)
    found = await _considered(conn, plan, asker, place, now)
    if isinstance(found, Refused):
        refusal = {"why": found.why, "digest": plan.digest, "account": asker.account, "surface": place.surface}
        await audit.record(
            conn, person=asker.person, action="request.refused", target=plan.kind, outcome="not_allowed",
            detail=refusal, at=now,
        )  # fmt: skip
        return Submitted(None, found)
    need, held = found
    made = await _add(conn, plan, asker, place, need)
    detail: dict[str, Any] = {"kind": plan.kind, "digest": plan.digest, "mode": need.mode, "needed": need.approvers,
              "account": asker.account, "surface": place.surface, "channel": place.channel,
              "targets": [f"{t.kind} {t.source}/{t.external_id}" for t in plan.targets[:50]]}  # fmt: skip
    await audit.record(
        conn, person=asker.person, action="request.asked", target=made.name, outcome="done", detail=detail, at=now
    )
    if need.mode == "at_once" and not held:
        made = await launch(conn, made, asker.person, "", now)
    return Submitted(made, None, need, held)


async def _considered(
    conn: AsyncConnection, plan: Plan, asker: Asker, place: Place, now: datetime | None
) -> tuple[Need, str] | Refused:
    """What it needs, and what holds it up for everybody but who may break the glass."""
    roles = await needs.roles_of(conn, asker.person, plan, place.spot)
    if roles is None:
        return Refused("role", "Whoever asks is not known, or was disabled.", "An administrator can change that.")
    lacking = needs.lacks(plan, roles)
    if lacking:
        return await _lacking(conn, plan, lacking)
    if plan.failed:
        names = "; ".join(f"{check.name}: {check.detail}" if check.detail else check.name for check in plan.failed)
        return Refused("checks", f"It cannot be done now: {names}.", "Put that right, then ask again.")
    need = await needs.need(conn, asker.person, plan, roles)
    if need.mode == "forbid":
        return Refused("forbidden", f"No rule allows this change ({plan.kind}) here.", _RULES)
    cap = need.daily_cap
    if cap is not None and await requests.asked_lately(conn, asker.person, plan.kind) >= cap:
        return Refused("cap", f"You have asked for {cap} of these within 24 hours, which is the most.", _CAP)
    breaks = bool(need.break_glass) and all(reaches(held, need.break_glass) for held in roles.values())
    stop = await _stopped(conn, plan, need, now) or await _quorum(conn, plan, asker, need)
    if stop is not None and not breaks:
        return stop
    return need, stop.what if stop else ""


_RULES = "Rules are shown by: stackhand changes rules show. An administrator can change them."
_CAP = "Try again later, or ask somebody else to ask for it."


async def _lacking(conn: AsyncConnection, plan: Plan, lacking: str) -> Refused:
    if lacking == "-":
        return Refused("role", "Nobody may ask for this.", _RULES)
    could = tuple(person.name for person in await holders(conn, lacking, plan.projects))
    where = " on its project" if len(plan.projects) == 1 else " on all its projects" if plan.projects else ""
    return Refused("role", f"You need the role {lacking}{where} to ask for this.", could=could)


async def _stopped(conn: AsyncConnection, plan: Plan, need: Need, now: datetime | None) -> Refused | None:
    freeze = await freezes.stops(conn, plan.kind, plan.projects)
    if freeze is not None:
        return Refused("freeze", freezes.told(freeze), "Ask again when it is over.")
    quiet = need.is_quiet(now) if now else None
    if quiet is not None:
        return Refused("quiet", f"These are quiet hours ({quiet.words}): nothing is changed.", "Ask again later.")
    return None


async def _quorum(conn: AsyncConnection, plan: Plan, asker: Asker, need: Need) -> Refused | None:
    """Why so many others could never approve it; None when they can."""
    if need.mode != "approve":
        return None
    others = [p for p in await holders(conn, need.approver_role, plan.projects) if p.id != asker.person]
    if len(others) >= need.approvers:
        return None
    are = {0: "nobody else holds it there", 1: "only 1 other person holds it there"}
    have = are.get(len(others), f"only {len(others)} others hold it there")
    people = "person" if need.approvers == 1 else "people"
    what = f"It needs {need.approvers} other {people} with the role {need.approver_role} or more, and {have}."
    fix = f"Give somebody the role: stackhand people grant PERSON {need.approver_role}. Then ask again."
    return Refused("quorum", what, fix, tuple(person.name for person in others))


async def _add(conn: AsyncConnection, plan: Plan, asker: Asker, place: Place, need: Need) -> Request:
    values = {
        "token": secrets.token_hex(_TOKEN_BYTES),
        "kind": plan.kind,
        "plan": to_json(plan),
        "digest": plan.digest,
        "asker": asker.person,
        "said": asker.said,
        "surface": place.surface,
        "channel": place.channel,
        "conversation": place.conversation,
        "source": plan.source,
        "project_id": plan.project_id,
        "mode": need.mode,
        "needed": need.approvers,
        "approver_role": need.approver_role,
        "run_within_s": need.run_minutes * 60,
    }
    return await requests.add(conn, values, approve_within=timedelta(minutes=need.approve_minutes))
