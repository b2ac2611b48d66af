"""A button of a request, recognised before language: a decision by exactly whoever pressed it, and nothing else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.replies import Choice, Choices, Part
from engines.changes.rights import Spot, reaches, roles_at
from engines.plans import from_json
from intents.readings import Evidence, Reading
from storage import requests
from storage.requests import Request

_INTENTS = {
    "approve": "approve", "confirm": "approve", "break_glass": "approve", "deny": "deny", "withdraw": "withdraw",
    "cancel": "withdraw", "show": "approval_show",
}  # fmt: skip
_MARK = re.compile(rf"\s*({'|'.join(_INTENTS)}) #request/([0-9a-f]{{32}}|.*?)(?:\s+because\s+(.*))?\s*", re.DOTALL)
NEEDS_REASON = re.compile(r"(deny|break_glass) #request/[0-9a-f]{32}")
"""What buttons say for which a platform with forms asks the reason."""
_GLASS = re.compile(r"\s*break[ -]?(?:the )?glass\s+(?:for\s+|on\s+)?REQ-(\d{1,18})(?:\s*(?:because|:)\s*(.*))?\s*",
                    re.DOTALL | re.IGNORECASE)  # fmt: skip
_YES = re.compile(
    r"(?:yes|yep|yeah|ok|okay|sure|go|go ahead|do it|confirm(?:ed)?)(?:[, ]+(?:please|go ahead|do it))?[.! ]*",
    re.IGNORECASE,
)
_NO = re.compile(r"(?:no|nope|don't|do not|never ?mind|forget it)(?:[, ]+thanks?(?: you)?)?[.! ]*", re.IGNORECASE)
_SHOWN = re.compile(r"\s#(?:request|confirm)/\S+")
_PRESSED, _REASON = "pressed:", "reason"
NAME = re.compile(r"REQ-(\d{1,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pressed:
    """`verb` of the button, and the `ref` of its request: a token, or the number in words."""

    verb: str
    ref: str | int
    reason: str = ""


def button(label: str, verb: str, token: str, hint: str = "") -> Choice:
    return Choice(label, f"{verb} #request/{token}", hint)


def without_marks(said: str) -> str:
    """For eyes: what a button says without the ids in it."""
    return _SHOWN.sub("", said)


async def pressed(conn: AsyncConnection, text: str) -> Reading | None:
    """What a button means; also of one that nobody made. None for what is no button."""
    mark, glass = _MARK.fullmatch(text), _GLASS.fullmatch(text)
    if mark is None and glass is None:
        return None
    verb = mark[1] if mark else "break_glass"
    ref = mark[2] if mark else glass[1] if glass else ""
    reason = ((mark[3] if mark else glass[2] if glass else "") or "").strip()
    known = await requests.find(conn, ref if mark else int(ref))
    slots = {"request": known.name if known else "REQ-0"}
    if verb == "deny" and reason:
        slots["text"] = reason
    told = (Evidence(ref if mark else slots["request"], _PRESSED + verb), Evidence(reason, _REASON))
    return Reading(text, _INTENTS[verb], slots, confidence=1.0, mood="command", source="template", evidence=told)


def typed(text: str, last: Sequence[Part]) -> str:
    """What a typed "yes", "no" or label of a button presses, where the very last answer is a card with that button;
    else the text as it is."""
    buttons = [one for part in last if isinstance(part, Choices) for one in part.choices if _MARK.fullmatch(one.said)]
    confirms = [one for one in buttons if one.said.startswith("confirm ")]
    said = text.strip()
    if len(confirms) == 1 and _YES.fullmatch(said):
        return confirms[0].said
    if confirms and _NO.fullmatch(said):
        said = "no"
    found = [one.said for one in buttons if one.label.rstrip("…").casefold() == said.casefold()]
    return found[0] if len(found) == 1 else text


def pressed_in(reading: Reading) -> Pressed | None:
    """The button behind a reading; None for words."""
    found = next((one for one in reading.evidence if one.meant.startswith(_PRESSED)), None)
    if found is None:
        return None
    reason = next((one.words for one in reading.evidence if one.meant == _REASON), "")
    named = NAME.fullmatch(found.words)
    return Pressed(found.meant.removeprefix(_PRESSED), int(named[1]) if named else found.words, reason)


def state_of(request: Request) -> str:
    if request.state == "pending":
        return "waits for confirmation" if request.mode == "confirm" else "waits for approval"
    return request.state


async def waits_for(conn: AsyncConnection, person: str, request: Request, spot: Spot) -> bool:
    """Whether this person could decide on it now."""
    if request.state != "pending" or request.mode != "approve" or request.overdue or request.asker == person:
        return False
    if any(vote.person == person for vote in await requests.votes(conn, request.id)):
        return False
    held = await roles_at(conn, person, from_json(request.plan).projects, spot)
    return held is not None and all(reaches(roles, request.approver_role) for roles in held.values())
