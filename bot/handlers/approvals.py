"""Requests: which are open, one in full, and what is decided about them, by button or by words."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from bot.cards_of_changes import load, name_of
from bot.changing import place_of, said, shown, voter_of
from bot.deciding import BY_NAME, NAME, Pressed, pressed_in, state_of, waits_for
from bot.handlers.asking import Ask
from bot.handlers.registry import answers
from bot.outcomes import stopping
from bot.replies import Choice, Choices, Column, Outcome, Part, Reply, Table, Text
from engines.changes import requests as changes
from engines.changes.decisions import Verdict
from engines.changes.freezes import stamp, told
from engines.changes.rights import reaches, roles_at
from engines.changes.voices import Decided, Refused
from engines.plans import from_json
from storage import freezes, jobs, requests
from storage.freezes import Freeze
from storage.requests import Request

_NOT_THERE = "I know no request {} that you may see."


@answers("approve")
async def approve(ask: Ask, request: str) -> Reply:
    """Also the asker's own confirmation, and a decision past the rules with a reason."""
    pressed = pressed_in(ask.reading) or Pressed("approve", _number(request))
    return await _decide(ask, pressed, cast(Verdict, "approve" if pressed.verb == BY_NAME else pressed.verb))


@answers("deny")
async def deny(ask: Ask, request: str, text: str | None) -> Reply:
    pressed = pressed_in(ask.reading) or Pressed("deny", _number(request), text or "")
    return await _decide(ask, pressed, "deny")


@answers("withdraw")
async def withdraw(ask: Ask, request: str) -> Reply:
    """Take it back while it waits; stop it when it runs already."""
    pressed = pressed_in(ask.reading) or Pressed("withdraw", _number(request))
    if elsewhere := await _elsewhere(ask, pressed):
        return elsewhere
    if pressed.verb == "cancel":
        return await _cancel(ask, pressed)
    return await _told(ask, await changes.withdraw(ask.conn, pressed.ref, voter_of(ask), ask.now), "withdraw")


@answers("approval_show")
async def approval_show(ask: Ask, request: str) -> Reply:
    pressed = pressed_in(ask.reading)
    found = await requests.find(ask.conn, pressed.ref if pressed else _number(request))
    seen = await _seen(ask, found) if found else None
    if seen is None:
        return _not_there(request)
    return await shown(ask, seen)


@answers("approval_list")
async def approval_list(ask: Ask, mine: bool | None, waiting: bool | None) -> Reply:
    """Open ones: my own, those that I could decide on, or all that I may see."""
    found = await requests.listed(ask.conn, ask.who.scope, ask.who.id)
    if mine:
        found = [one for one in found if one.asker == ask.who.id]
    if waiting:
        found = [one for one in found if await waits_for(ask.conn, ask.who.id, one, voter_of(ask).spot)]
    what = "wait for your approval" if waiting else "of yours are open" if mine else "are open"
    frozen = [Text(told(one), "warning") for one in await freezes.going(ask.conn) if _concerns(ask, one)]
    if not found:
        none = {
            "wait for your approval": "Nothing waits for your approval.",
            "of yours are open": "You have no open requests.",
        }
        return Reply(
            (Text(none.get(what, "No request is open."), "heading"), *frozen), scope="requests that you may see"
        )
    lead = f"1 request {_one(what)}" if len(found) == 1 else f"{len(found)} requests {what}"
    return Reply((Text(f"{lead}.", "heading"), *frozen, await _table(ask, found)), scope="requests that you may see")


def _concerns(ask: Ask, freeze: Freeze) -> bool:
    everywhere = freeze.source is None or freeze.project_id is None
    return everywhere or ask.who.scope.owns("project", str(freeze.source), None, str(freeze.project_id))


def _one(what: str) -> str:
    return what.replace("wait for", "waits for").replace("are open", "is open")


async def _table(ask: Ask, found: Sequence[Request]) -> Table:
    columns = (Column("request", "request"), Column("what", "what"), Column("state", "state"),
               Column("asker", "asked by"), Column("until", "until", "time"))  # fmt: skip
    rows = [
        (one.name, str(one.plan["title"]), state_of(one), await name_of(ask.conn, one.asker), _until(one))
        for one in found
    ]
    return Table(columns, tuple(rows), len(rows), opens=tuple(f"show {one.name}" for one in found))


def _until(request: Request) -> str | None:
    at = request.approve_by if request.state == "pending" else request.run_by if request.state == "approved" else None
    return at.isoformat() if at else None


def _number(request: str) -> int:
    found = NAME.fullmatch(request.strip())
    return int(found[1]) if found else 0


def _not_there(request: str) -> Reply:
    lead = Text(
        _NOT_THERE.format(request if NAME.fullmatch(request) and request != "REQ-0" else "like that"), "heading"
    )
    return Reply((lead, Text("Say: open requests")), "not_found", private=True)


async def _seen(ask: Ask, request: Request) -> Request | None:
    """One's own, those within what one may see, and those that wait for oneself."""
    found = await requests.seen(ask.conn, ask.who.scope, ask.who.id, request.id)
    return found or (request if await waits_for(ask.conn, ask.who.id, request, voter_of(ask).spot) else None)


async def _elsewhere(ask: Ask, pressed: Pressed) -> Reply | None:
    """A button is pressed where its card stands. Words count in private and in the thread where it was asked, so that
    nobody decides on another request than the others there think of."""
    if not isinstance(pressed.ref, int):
        return None
    found = await requests.find(ask.conn, pressed.ref)
    seen = await _seen(ask, found) if found else None
    if seen is None:
        return _not_there(f"REQ-{pressed.ref}")
    here = place_of(ask)[0] == seen.surface and ask.conversation == seen.conversation
    if ask.is_private or here:
        return None
    lead = Text(f"{seen.name} is not decided by words here.", "heading")
    where = "Press the button of its card, say it in the thread where it was asked, or in a direct message to me."
    return Reply((lead, Text(where)), "not_allowed", private=True)


async def _decide(ask: Ask, pressed: Pressed, verdict: Verdict) -> Reply:
    if elsewhere := await _elsewhere(ask, pressed):
        return elsewhere
    voter = replace(voter_of(ask), typed=pressed.typed)
    done = await changes.decide(ask.conn, pressed.ref, voter, verdict, pressed.reason, ask.now)
    return await _told(ask, done, verdict)


_DONE = {
    "approve": "Approved",
    "confirm": "Confirmed",
    "deny": "Denied",
    "break_glass": "Decided alone",
    "withdraw": "Taken back",
}


async def _told(ask: Ask, done: Decided, verb: str) -> Reply:
    """What came of it: for everybody when it counts, for the one alone when it does not."""
    request = done.request
    if request is None:
        return Reply(
            (Text("I know no such request.", "heading"), Text("Say: open requests")), "not_found", private=True
        )
    if done.refused is not None:
        return await _not_done(ask, request, done.refused)
    word = _DONE["confirm" if request.mode == "confirm" and verb == "approve" else verb]
    lead = f"{word} by {ask.who.name}: {request.name}, {request.plan['title']}."
    if request.state == "pending":
        lead = f"{lead[:-1]} ({done.counted} of {request.needed} approvals)."
    if not ask.is_private or (ask.redraws and pressed_in(ask.reading)):  # its card is redrawn wherever it stands
        return Reply((Text(lead, "heading"),))
    reply = await shown(ask, request)
    return replace(reply, parts=(Text(lead, "heading"), *reply.parts[1:]))


async def _not_done(ask: Ask, request: Request, refused: Refused) -> Reply:
    """Privately: why not, how it stands, what to do."""
    outcomes: dict[str, Outcome] = {"reason": "incomplete", "typed": "incomplete", "unknown": "not_found"}
    outcome = outcomes.get(refused.why, "not_allowed" if refused.why in _RIGHTS else "failed")
    lead = Text(f"{request.name}: {refused.what}", "heading")
    if refused.why != "late":
        offer = _again(request) if refused.why == "changed" else ()
        return Reply((lead, *said(refused)[1:], *offer), outcome, private=True)
    card = await load(ask.conn, request)
    by = f" by {card.names.get(request.decided_by or '', request.decided_by or '')}" if request.decided_by else ""
    at = f" {stamp(request.decided_at)}" if request.decided_at else ""
    words = {"approved": "approved", "running": "approved", "done": "approved", "failed": "approved"}
    how = words.get(request.state, request.state)
    lead = Text(f"{request.name} was {how}{by}{at}: nothing is left to decide.", "heading")
    return Reply((lead, Text(f"It is {request.state} now.")), outcome, private=True)


_RIGHTS = frozenset({"role", "own", "not_yours", "second_factor", "forbidden"})


def _again(request: Request) -> tuple[Part, ...]:
    return (Choices((Choice("make a new plan", request.said),)),) if request.said else ()


async def _cancel(ask: Ask, pressed: Pressed) -> Reply:
    """Stop a job at its next step: whoever asked for it, and whoever could have approved it."""
    request = await requests.find(ask.conn, pressed.ref)
    if request is None or request.job_id is None:
        return _not_there(request.name if request else "")
    held = await roles_at(ask.conn, ask.who.id, from_json(request.plan).projects, voter_of(ask).spot) or {
        ("", None): frozenset()
    }
    role = request.approver_role or "admin"
    if request.asker != ask.who.id and not (held and all(reaches(roles, role) for roles in held.values())):
        what = f"{request.name}: only whoever asked, and people with the role {role} there, can stop it."
        return Reply((Text(what, "heading"),), "not_allowed", private=True)
    if not await jobs.ask_cancel(ask.conn, request.job_id, ask.who.id):
        return Reply(
            (Text(f"{request.name} has ended, or was asked to stop already.", "heading"),), "failed", private=True
        )
    lead = Text(f"{request.name} is asked to stop by {ask.who.name}.", "heading")
    return Reply((lead, Text(f"It does as soon as it can. {stopping(request.plan)}")))
