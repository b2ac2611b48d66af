"""A button of a request, recognised before language: a decision by exactly whoever pressed it, and nothing else."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.replies import Choice, Choices, Part
from engines.changes.rights import Spot, reaches, roles_at
from engines.plans import Plan, from_json
from intents.readings import Evidence, Reading
from storage import requests
from storage.requests import Request

BY_NAME, RENAME, CHANGE, REVEAL = "approve by name", "change the name", "change", "show the password"
_INTENTS = {
    BY_NAME: "approve", "approve": "approve", "confirm": "approve", "break_glass": "approve", "deny": "deny",
    "withdraw": "withdraw", "cancel": "withdraw", "show": "approval_show", RENAME: "restore", CHANGE: "restore",
    REVEAL: "restore_status",
}  # fmt: skip
_MARK = re.compile(rf"\s*({'|'.join(_INTENTS)}) #request/([0-9a-f]{{32}}|\S*)(?:\s+(.*?))?\s*", re.DOTALL)
_TAILS = dict.fromkeys(_INTENTS, r"(?:because (?P<because>.*))?") | {
    BY_NAME: r"(?:typed (?P<typed>.*))?",
    "break_glass": r"(?:typed (?P<typed>.*?)\s*)??(?:because (?P<because>.*))?",
    CHANGE: r"(?P<how>with|ask)(?: (?P<wish>.*))?|",
    RENAME: r"(?:with (?P<wish>(?:\w+=\S* ?)+?)\s*)??(?:typed (?P<typed>.*))?",
}  # fmt: skip
NEEDS_FORM = re.compile(rf"(deny|break_glass|{BY_NAME}|{RENAME}) #request/[0-9a-f]{{32}}(?: with(?: \w+=\S*)+)?")
"""What buttons say for which a platform with forms asks something: a reason, or a name. What is typed there stands
behind the `FORM_WORDS` of the verb."""
REVEALS = re.compile(rf"{REVEAL} #request/[0-9a-f]{{32}}")
"""What the button says that brings a password: a platform that keeps its messages shows it elsewhere."""
FORM_WORDS: Mapping[str, str] = MappingProxyType(
    {"deny": "because", "break_glass": "because", BY_NAME: "typed", RENAME: "typed"}
)
_GLASS = re.compile(r"\s*break[ -]?(?:the )?glass\s+(?:for\s+|on\s+)?REQ-(\d{1,18})"
                    r"(?:\s+(?!because\b)(?P<typed>[^:]+?))?(?:\s*(?:because|:)\s*(?P<because>.*))?\s*",
                    re.DOTALL | re.IGNORECASE)  # fmt: skip
_NAMED = re.compile(r"\s*(?:please )?approve REQ-(\d{1,18})[ :,]+(?P<typed>.+?)\s*", re.DOTALL | re.IGNORECASE)
_CHANGED = re.compile(r"\s*(?:please )?change REQ-(\d{1,18})(?:[ ,:]+(?:to\b\s*)?(?P<words>.*?))?\s*",
                      re.DOTALL | re.IGNORECASE)  # fmt: skip
_YES = re.compile(
    r"(?:yes|yep|yeah|ok|okay|sure|go|go ahead|do it|confirm(?:ed)?)(?:[, ]+(?:please|go ahead|do it))?[.! ]*",
    re.IGNORECASE,
)
_NO = re.compile(r"(?:no|nope|don't|do not|never ?mind|forget it)(?:[, ]+thanks?(?: you)?)?[.! ]*", re.IGNORECASE)
_SHOWN = re.compile(r"\s#(?:request|confirm|page)/\S*(?: (?:with|ask)(?: \w+=\S*)+)?(?: typed\b)?")
_PRESSED = "pressed:"
_TOLD = ("because", "typed", "how", "wish", "words")
NAME = re.compile(r"REQ-(\d{1,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pressed:
    """`verb` of the button, and the `ref` of its request: a token, or the number in words.

    `typed` is a name that somebody typed. Of a change `wish` is what a button wishes, `words` what was said; with `how`
    "ask" it is asked for at once, with "with" it is shown first.
    """

    verb: str
    ref: str | int
    reason: str = ""
    typed: str = ""
    how: str = ""
    wish: str = ""
    words: str = ""


def button(label: str, verb: str, token: str, hint: str = "", *, tail: str = "") -> Choice:
    return Choice(label, f"{verb} #request/{token}{f' {tail}' if tail else ''}", hint)


def without_marks(said: str) -> str:
    """For eyes: what a button says without the ids in it."""
    return _SHOWN.sub("", said)


async def pressed(conn: AsyncConnection, text: str) -> Reading | None:
    """What a button means; also of one that nobody made. None for what is no button."""
    mark = _MARK.fullmatch(text)
    if mark is not None:
        tail = re.fullmatch(_TAILS[mark[1]], mark[3] or "", re.DOTALL)
        told = tail.groupdict() if tail else {}
        return _reading(text, mark[1], mark[2], await requests.find(conn, mark[2]), told)
    for verb, words in (("break_glass", _GLASS), (BY_NAME, _NAMED), (CHANGE, _CHANGED)):
        found = words.fullmatch(text)
        if found is None:
            continue
        known = await requests.find(conn, int(found[1]))
        if verb == "break_glass" or (known is not None and _asks_for(verb, from_json(known.plan))):
            return _reading(text, verb, known.name if known else "REQ-0", known, found.groupdict())
    return None


def _asks_for(verb: str, plan: Plan) -> bool:
    """Whether these words mean anything about this plan; about others they are left to the language."""
    return bool(plan.typed) if verb == BY_NAME else "wish" in plan.options


def _reading(text: str, verb: str, ref: str, known: Request | None, told: Mapping[str, str | None]) -> Reading:
    said = {key: (told.get(key) or "").strip() for key in _TOLD}
    intent = _INTENTS[verb]
    slots = {"request": known.name if known else "REQ-0"}
    if intent == "restore":
        slots = {"vm": str(known.plan["options"].get("vm", "")) if known else "REQ-0"}
    elif intent == "restore_status":
        slots = {"job": f"JOB-{known.job_id}" if known and known.job_id else "JOB-0"}
    elif verb == "deny" and said["because"]:
        slots["text"] = said["because"]
    evidence = (Evidence(ref, _PRESSED + verb), *(Evidence(words, key) for key, words in said.items() if words))
    return Reading(text, intent, slots, confidence=1.0, mood="command", source="template", evidence=evidence)


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
    told = {one.meant: one.words for one in reading.evidence if one.meant in _TOLD}
    named = NAME.fullmatch(found.words)
    ref = int(named[1]) if named else found.words
    return Pressed(found.meant.removeprefix(_PRESSED), ref, told.pop("because", ""), **told)


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
