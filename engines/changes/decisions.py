"""Deciding on a request: who it is, whether they may, whether all is as it was shown; then one transaction."""

from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.changes import freezes, needs, rule_sets, rules
from engines.changes.endings import expire_one
from engines.changes.facts import Difference, differences
from engines.changes.launching import LostRaceError, launch
from engines.changes.rights import Spot, holders, reaches
from engines.changes.rules import Need
from engines.changes.voices import Decided, Refused, Voter
from engines.plans import Plan, from_json
from engines.policy import ROLES
from storage import audit, change_rules, requests
from storage.requests import Request

Verdict = Literal["approve", "deny", "confirm", "break_glass"]
_AGAIN = "Ask for it again: a new plan is made."


async def decide(
    conn: AsyncConnection, ref: str | int, voter: Voter, verdict: Verdict, reason: str, now: datetime | None = None
) -> Decided:
    """By the token of a button or the number of a request. Everything that counts is looked up here, under the lock
    of the row; a refusal is recorded with the account, and changes nothing but a request whose time is over."""
    await audit.lock(conn)
    request = await requests.find(conn, ref, lock=True)
    if request is None:
        return await _refuse(conn, None, voter, verdict, Refused("unknown", "I know no such request.", _LIST), now)
    found = await _decided(conn, request, voter, verdict, reason.strip(), now)
    if isinstance(found, Refused):
        return await _refuse(conn, request, voter, verdict, found, now)
    return found


_LIST = "Say: open requests"


async def _decided(
    conn: AsyncConnection, request: Request, voter: Voter, verdict: Verdict, reason: str, now: datetime | None
) -> Decided | Refused:
    if request.state != "pending":
        return Refused("late", f"{request.name} is {request.state} already.")
    if request.overdue:
        await expire_one(conn, request, now)
        return Refused("expired", f"{request.name} expired {freezes.stamp(request.approve_by)}.", _AGAIN)
    plan = from_json(request.plan)
    roles = await needs.roles_of(conn, request.asker, plan, voter.spot)
    need = await needs.need(conn, request.asker, plan, roles or {})
    refused = await _who(conn, request, plan, need, voter, verdict)
    if refused is not None:
        return refused
    if verdict in ("deny", "break_glass") and not reason:
        return Refused("reason", f"Why? Say: {verdict.replace('_', ' ')} {request.name} because …")
    if verdict != "deny" and voter.typed != plan.typed:
        return _not_typed(request, plan, voter, verdict)
    if verdict == "deny":
        return await _denied(conn, request, voter, reason, now)
    return await _granted(conn, request, plan, need, voter, verdict, reason, now)


def _not_typed(request: Request, plan: Plan, voter: Voter, verdict: Verdict) -> Refused:
    """A name that was not asked for is as wrong as one that is spelt otherwise: another plan was meant."""
    if not plan.typed:
        return Refused("typed", f"{request.name} asks for no name: is it the request you mean?",
                       f"To approve it, say: approve {request.name}")  # fmt: skip
    reason = " because …" if verdict == "break_glass" else ""
    fix = f"Say: {verdict.replace('_', ' ')} {request.name} {plan.typed}{reason}"
    if not voter.typed:
        return Refused("typed", f"It counts only with the name typed, letter by letter: {plan.typed}", fix)
    return Refused("typed", f"“{voter.typed[:100]}” is not {plan.typed}: nothing was decided.", fix)


async def _who(
    conn: AsyncConnection, request: Request, plan: Plan, need: Need, voter: Voter, verdict: Verdict
) -> Refused | None:
    """Why this person may not say this about this request; None when they may."""
    held = await needs.roles_of(conn, voter.person, plan, voter.spot)
    if held is None:
        return Refused("role", "You are not known here, or were disabled.")
    if need.second_factor and voter.chat and verdict != "deny":
        return Refused("second_factor", "This is not decided by chat: it needs a second proof of who you are.",
                       f"On Stackhand's page, or: stackhand approvals approve {request.name}")  # fmt: skip
    own = voter.person == request.asker
    if verdict == "confirm" or (verdict == "approve" and request.mode == "confirm"):
        if not own:
            return Refused("not_yours", "Only whoever asked can confirm this.")
        lacking = needs.lacks(plan, held)
        return Refused("role", f"You need the role {lacking} there, and hold it no longer.") if lacking else None
    if verdict == "break_glass":
        allowed = own and need.break_glass and all(reaches(roles, need.break_glass) for roles in held.values())
        return (
            None if allowed else Refused("role", "You may not decide this alone.", could=await _others(conn, request))
        )
    if own:
        fix = f"To take it back, say: withdraw {request.name}"
        return Refused("own", "You asked for this: others decide.", fix, await _others(conn, request))
    role = strictest_role(request.approver_role, need.approver_role) or "admin"
    if not all(reaches(roles, role) for roles in held.values()):
        what = f"You need the role {role} on all that it changes to decide this."
        return Refused("role", what, could=await _others(conn, request))
    return None


def strictest_role(*roles: str) -> str:
    return max(roles, key=lambda role: ROLES.index(role) if role in ROLES else -1)


async def _others(conn: AsyncConnection, request: Request) -> tuple[str, ...]:
    """Names of those who could decide."""
    return tuple(name for _, name in await approvers(conn, request))


async def approvers(conn: AsyncConnection, request: Request) -> list[tuple[str, str]]:
    """(id, name) of the people who could approve it now and have not decided yet."""
    if request.mode != "approve":
        return []
    held = {vote.person for vote in await requests.votes(conn, request.id)} | {request.asker}
    return [(id_, name) for id_, name in await holders_of(conn, request) if id_ not in held]


async def holders_of(conn: AsyncConnection, request: Request) -> list[tuple[str, str]]:
    """(id, name) of the people with the role that the request needs, whatever they have said; admins for one that
    needs nobody's approval."""
    found = await holders(conn, request.approver_role or "admin", from_json(request.plan).projects)
    return [(person.id, person.name) for person in found]


async def _denied(
    conn: AsyncConnection, request: Request, voter: Voter, reason: str, now: datetime | None
) -> Decided | Refused:
    await _vote(conn, request, voter, "deny", reason)
    return await _closed(conn, request, "denied", voter, reason, now)


async def _vote(conn: AsyncConnection, request: Request, voter: Voter, verdict: str, reason: str) -> bool:
    told = {"surface": voter.surface, "account": voter.account, "reason": reason}
    return await requests.vote(conn, request.id, voter.person, verdict, **told)


async def _closed(
    conn: AsyncConnection, request: Request, state: str, voter: Voter, reason: str, now: datetime | None
) -> Decided | Refused:
    closed = await requests.decide(conn, request.id, state, voter.person, reason)
    if closed is None:
        return Refused("late", f"{request.name} is decided already.")
    await _record(conn, closed, voter, f"request.{state}", "done", now, reason=reason)
    return Decided(closed)


async def _granted(
    conn: AsyncConnection,
    request: Request,
    plan: Plan,
    need: Need,
    voter: Voter,
    verdict: Verdict,
    reason: str,
    now: datetime | None,
) -> Decided | Refused:
    """What stands in the way is said before the vote counts; what was changed meanwhile closes the request."""
    stop = await _stopped(conn, request, plan, need, verdict, now)
    if stop is not None:
        return stop
    changed = [*await differences(conn, plan.targets), *await _rules_changed(conn, plan)]
    if changed or plan.digest != request.digest:
        return await _changed(conn, request, voter, changed, now)
    if verdict == "approve" and request.mode == "approve":
        if not await _vote(conn, request, voter, "approve", reason):
            return Refused("voted", f"You have decided on {request.name} already: a person counts once.")
        counted = sum(vote.verdict == "approve" for vote in await requests.votes(conn, request.id))
        if counted < max(request.needed, need.approvers):
            await _record(conn, request, voter, "request.vote", "counted", now)
            return Decided(request, counted=counted)
    try:
        launched = await launch(
            conn, request, voter.person, reason, now,
            account=voter.account, surface=voter.surface, break_glass=verdict == "break_glass",
        )  # fmt: skip
    except LostRaceError:
        return Refused("expired", f"{request.name} expired {freezes.stamp(request.approve_by)}.", _AGAIN)
    return Decided(launched, counted=launched.needed)


async def _stopped(
    conn: AsyncConnection, request: Request, plan: Plan, need: Need, verdict: Verdict, now: datetime | None
) -> Refused | None:
    """The rules, freezes and quiet hours as they are now."""
    asked = await needs.roles_of(conn, request.asker, plan, _spot_of(request))
    if asked is None or needs.lacks(plan, asked):
        return Refused("rules", "Whoever asked for it may not ask for it any longer.")
    if need.mode == "forbid" or (need.mode == "approve" and request.mode != "approve"):
        return Refused("rules", "The rules have changed since it was asked.", _AGAIN)
    if verdict == "break_glass":
        return None
    freeze = await freezes.stops(conn, plan.kind, plan.projects)
    if freeze is not None:
        return Refused("freeze", freezes.told(freeze), "It can be decided when that is over.")
    quiet = need.is_quiet(now) if now else None
    return Refused("quiet", f"These are quiet hours ({quiet.words}).", "Decide later.") if quiet else None


def _spot_of(request: Request) -> Spot:
    return Spot(request.surface, request.channel)


async def _changed(
    conn: AsyncConnection, request: Request, voter: Voter, changed: list[Difference], now: datetime | None
) -> Decided | Refused:
    """What would run is no longer what was shown: the request is over."""
    words = "; ".join(map(_told, changed[:_MOST_TOLD])) or "the plan itself"
    if len(changed) > _MOST_TOLD:
        words += f"; {len(changed) - _MOST_TOLD} more"
    closed = await _closed(conn, request, "changed", voter, words, now)
    if isinstance(closed, Refused):
        return closed
    what = f"{request.name} is closed: since it was planned, this has changed: {words}."
    return Decided(closed.request, Refused("changed", what, _AGAIN), changed=tuple(changed))


_MOST_TOLD = 5


async def _rules_changed(conn: AsyncConnection, plan: Plan) -> list[Difference]:
    """Rules that others put in force since these were compared with them."""
    if plan.kind != rule_sets.KIND:
        return []
    now = await change_rules.load(conn)
    planned = [rules.from_json(rule) for rule in plan.options["before"]]
    same = planned == [rules.from_json(rule) for rule in now]
    return [] if same else [Difference("change rules", "rules", len(planned), len(now))]


def _told(one: Difference) -> str:
    if one.field == "exists":
        return f"{one.target} is gone"
    return f"{one.target}: {one.field.replace('_', ' ')} {_short(one.planned)} → {_short(one.now)}"


def _short(value: object) -> str:
    if isinstance(value, list):
        return f"{len(value)} ({', '.join(map(str, value[:3]))}{' …' if len(value) > 3 else ''})"
    return "—" if value is None else str(value)[:80]


async def _refuse(
    conn: AsyncConnection, request: Request | None, voter: Voter, verdict: str, refused: Refused, now: datetime | None
) -> Decided:
    target = request.name if request else ""
    await audit.record(
        conn, person=voter.person, action="request.refused", target=target, outcome="not_allowed", at=now,
        detail={"verdict": verdict, "why": refused.why, "surface": voter.surface, "account": voter.account},
    )  # fmt: skip
    known = await requests.find(conn, request.id) if request else None
    return Decided(known, refused)


async def _record(
    conn: AsyncConnection,
    request: Request,
    voter: Voter,
    action: str,
    outcome: str,
    now: datetime | None,
    *,
    reason: str = "",
) -> None:
    detail = {"digest": request.digest, "surface": voter.surface, "account": voter.account, "reason": reason}
    await audit.record(
        conn, person=voter.person, action=action, target=request.name, outcome=outcome, detail=detail, at=now
    )


async def withdraw(conn: AsyncConnection, ref: str | int, voter: Voter, now: datetime | None = None) -> Decided:
    """One's own request, while nobody has decided."""
    await audit.lock(conn)
    request = await requests.find(conn, ref, lock=True)
    if request is None:
        return await _refuse(conn, None, voter, "withdraw", Refused("unknown", "I know no such request.", _LIST), now)
    if request.asker != voter.person:
        refused = Refused("not_yours", "Only whoever asked can take it back.", f"Say: deny {request.name} because …")
    elif request.state != "pending":
        refused = Refused("late", f"{request.name} is {request.state} already.")
    elif request.overdue:
        await expire_one(conn, request, now)
        refused = Refused("expired", f"{request.name} expired {freezes.stamp(request.approve_by)}.", _AGAIN)
    else:
        closed = await _closed(conn, request, "withdrawn", voter, "", now)
        return closed if isinstance(closed, Decided) else await _refuse(conn, request, voter, "withdraw", closed, now)
    return await _refuse(conn, request, voter, "withdraw", refused, now)
