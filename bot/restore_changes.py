"""A restore that was asked for, wished otherwise: a new plan takes the place of the old one, which is withdrawn."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.changing import propose
from bot.deciding import CHANGE, RENAME, Pressed, button, pressed_in
from bot.handlers.asking import Ask
from bot.naming import entries_in
from bot.people import Principal
from bot.replies import Choice, Choices, Fields, Part, Reply, Text
from bot.restore_wishes import ADDRESSES, MODES, Wished, changed, options, sentence, tokens, vm_words, with_tokens
from bot.restoring import cannot
from engines.plans import Plan, from_json
from engines.restore.designs import point_of
from engines.restore.facts import Facts, facts_of
from engines.restore.planning import plan_of
from engines.restore.points import Point
from engines.restore.wishes import CannotPlanError, Wish
from engines.restore.wishes import from_json as wish_from_json
from intents.matcher import Matcher
from intents.names import Names, fold
from intents.readings import Evidence, Name, Reading
from storage import requests, restore_facts
from storage.requests import Request

Says = Callable[[Wish], str]
_UNCLEAR = "unclear"


async def with_words(
    conn: AsyncConnection, who: Principal, matcher: Matcher, button_: Reading, now: datetime
) -> Reading:
    """ "change REQ-7 to the same ips": the words as they would be understood behind "restore db-02"."""
    told = pressed_in(button_)
    if told is None or told.verb != CHANGE or not told.words:
        return button_
    vm = str(button_.slots["vm"])
    goes_on = told.words.casefold().startswith(("in ", "from ", "as ", "with ", "and "))
    words = told.words if goes_on else f", {told.words}"
    plain, entries = await entries_in(conn, who.scope, words)
    names = Names([*entries, (fold(vm), Name("vm", vm, "-"))])
    read = matcher.read(f"restore {vm}{plain if plain.startswith(',') else f' {plain}'}", names, now)
    if read.intent != "restore" or read.ask is not None or len(read.slots) < 2:
        return replace(button_, evidence=(*button_.evidence, Evidence(told.words, _UNCLEAR)))
    return replace(button_, slots={**read.slots, "vm": vm}, objects=read.objects, evidence=button_.evidence)


async def change(ask: Ask, pressed: Pressed, said: Wished) -> Reply:
    """What could be different, or the new request in the place of the old one."""
    request = await requests.find(ask.conn, pressed.ref)
    if request is None or request.asker != ask.who.id:
        return _refused(f"{request.name}: only whoever asked can change it." if request else "I know no such request.",
                        "Ask for your own: restore …")  # fmt: skip
    plan = from_json(request.plan)
    if "wish" not in plan.options:
        return _refused(f"{request.name} is no restore: it cannot be changed.", f"Say: withdraw {request.name}")
    if request.state != "pending":
        return _refused(f"{request.name} is {request.state}: it is not changed any more.", "Ask for a new one.")
    before = wish_from_json(plan.options["wish"])
    try:
        wish = changed(with_tokens(before, pressed.wish), said)
    except ValueError as error:
        return _refused(f"{request.name} was not changed: {error}.", f"Say: change {request.name} to …")
    if pressed.verb == RENAME:
        if not pressed.typed:
            return _refused("Which name?", f"Say: change {request.name} to side by side as NEW-NAME")
        wish = replace(wish, new_name=pressed.typed)
    return await _changed(ask, request, plan, before, wish, pressed)


def _refused(what: str, fix: str) -> Reply:
    return Reply((Text(what, "heading"), Text(fix)), "not_allowed", private=True)


async def _changed(ask: Ask, request: Request, old: Plan, before: Wish, wish: Wish, pressed: Pressed) -> Reply:
    target = old.targets[0]
    vm = await restore_facts.vm_of(ask.conn, ask.who.scope, target.source, str(old.options["vm_id"]))
    if vm is None:
        return _refused(f"{old.options['vm']} is not known any more.", "Say: freshness")
    facts = await facts_of(ask.conn, ask.who.scope, vm, demo=old.demo)
    try:
        plan, point = plan_of(facts, wish, ask.now, ask.house), point_of(facts, wish)
    except CannotPlanError as error:
        return cannot(error)
    now = pressed.how == "ask" or (pressed.words and not _is_unclear(ask.reading))
    if not now:
        return _form(ask, request, facts, before, wish, plan, point)
    if wish == before:
        return _refused(f"{request.name} is like that already.", "Nothing was changed.")
    return await propose(ask, plan, said=sentence("restore", vm_words(facts), wish, facts, point), instead_of=request)


def _is_unclear(reading: Reading) -> bool:
    return any(one.meant == _UNCLEAR for one in reading.evidence)


def _form(ask: Ask, request: Request, facts: Facts, before: Wish, wish: Wish, plan: Plan, point: Point) -> Reply:
    """The plan as it would be, and everything that could be different. Nothing is asked for by looking."""

    def says(other: Wish) -> str:
        told = tokens(other, before)
        return button("", CHANGE, request.token, tail=f"with {told}" if told else "").said

    unclear = next((one.words for one in ask.reading.evidence if one.meant == _UNCLEAR), "")
    same = f"{request.name}: what should be different?"
    lead = same if wish == before else f"{plan.title}, instead of {request.name}?"
    parts: list[Part] = [Text(lead, "heading")]
    if unclear:
        parts.append(Text(f"I did not understand “{unclear[:200]}”: nothing was changed.", "warning"))
    parts.append(Fields((("now", as_words(wish, point)), *plan.facts[:2])))
    parts += [Text(f"{check.name}: {check.detail}", "warning") for check in plan.failed]
    parts += choices(facts, wish, point, says)
    last: list[Choice] = []
    if wish.mode == "side_by_side":
        carried = tokens(wish, before)
        last.append(button("another name…", RENAME, request.token, tail=f"with {carried}" if carried else ""))
    if wish != before and not plan.failed:
        label = f"ask for this instead of {request.name}"
        last.append(button(label, CHANGE, request.token, tail=f"ask {tokens(wish, before)}"))
    parts += [Choices(tuple(last))] if last else []
    parts.append(Text(f"Until then {request.name} waits as it is.", "note"))
    return Reply(tuple(parts), scope=f"change of {request.name}", demo=plan.demo, about=("vm",))


def choices(facts: Facts, wish: Wish, point: Point, says: Says) -> Sequence[Part]:
    """A row of buttons, or a menu, for each question that has more than one answer."""
    return [
        Choices(tuple(Choice(one.label, says(one.wish), one.hint) for one in found), question)
        for question, found in options(facts, wish, point)
        if found
    ]


def as_words(wish: Wish, point: Point) -> str:
    """How a restore is wished, in one line."""
    parts = [MODES[wish.mode], f"from {point.at:%Y-%m-%d %H:%M} UTC"]
    if wish.mode == "attach":
        return ", ".join([*parts, *wish.volumes, *([f"{wish.disks} volumes"] if wish.disks else [])])
    parts.append(f"addresses: {ADDRESSES[wish.addresses]}")
    parts += [f"as {wish.new_name}"] if wish.new_name else []
    parts += ["a safety snapshot first"] if wish.safety else []
    parts += ["left stopped"] if wish.stopped else []
    parts += ["a new password"] if wish.password else []
    return ", ".join([*parts, *([f"{wish.macs} MACs"] if wish.macs else [])])
