"""Kinds of misunderstanding, each with its own reply: nothing is guessed, and what to do next is always there."""

import re
from collections.abc import Iterable, Sequence

from bot.handlers.asking import Ask
from bot.naming import as_name, marked
from bot.people import Principal
from bot.replies import Choice, Choices, Reply, Text
from bot.sentences import plural
from intents.readings import Ask as Question
from intents.readings import Name, Reading
from intents.registry import Intent
from storage.search import NAMED_KINDS, near

PLANNING = ("migration_scope", "migration_map", "migration_depend")
"""What is said about one's own plan of a migration, whichever it is."""
_STARTERS = ("overview", "freshness", "quota_near")  # their examples name nothing that may not exist here
_MOST_CHOICES = 8


def no_such_row() -> Reply:
    lines = (Text("The last answer has no such row.", "heading"), Text("Say the name of what you mean."))
    return Reply(lines, "incomplete")


def too_long(length: int, most: int) -> Reply:
    text = f"That is {length:,} characters; I read at most {most:,} at once."
    return Reply((Text(text, "heading"), Text("Ask one thing at a time, in a sentence or two.")), "not_understood")


_ALL = r"(?: (?:there|all|team|folks|everybody|everyone|stackhand|bot|a lot|so much|very much|again))*"
_COURTESY = re.compile(
    r"\s*(?:hi|hello|hey|good (?:morning|afternoon|evening|night|day)|morning|thanks|thank you|thx|cheers)"
    rf"{_ALL}[ ,!.]*",
    re.IGNORECASE,
)
_THANKS = re.compile(r"\s*th|\s*cheers", re.IGNORECASE)


def not_allowed(name: str, intent: Intent | None = None, needs: str = "") -> Reply:
    """For nobody we know, or somebody whose roles do not reach."""
    if intent is None:
        return Reply(
            (
                Text("I do not know you here.", "heading"),
                Text(f"An administrator can link {name} to a person: stackhand people link --help"),
            ),
            "not_allowed",
        )
    who = f"It needs the role {needs}." if needs else "Nobody may."
    return Reply((Text(f"You may not: {intent.does}.", "heading"), Text(f"{who} Say: who am I")), "not_allowed")


def no_role(who: Principal, intent: Intent) -> Reply:
    """For somebody we know, who may do nothing here yet."""
    lead = Text(f"You are {who.name}, and hold no role here yet.", "heading")
    fix = Text(f"An administrator can give you one: stackhand people grant {who.id} viewer")
    return Reply((lead, Text(f"You may not: {intent.does}."), fix), "not_allowed")


def not_built(intent: Intent) -> Reply:
    return Reply(
        (
            Text(f"Understood: {intent.does}. I cannot do that yet.", "heading"),
            Text("Nothing was started. Say help for what I can do."),
        ),
        "failed",
    )


async def not_understood(ask: Ask) -> Reply:
    """The nearest things that can be asked, as buttons; a word of courtesy gets one."""
    if _COURTESY.fullmatch(ask.reading.text):
        lead = "You are welcome." if _THANKS.match(ask.reading.text) else f"Hello {ask.who.name.split()[0]}."
        return Reply((Text(lead, "heading"), Text("Ask me about your clouds, or say help.", "note")))
    nearest = [name for name, _ in ask.reading.rivals if name in ask.answered]
    names = list(dict.fromkeys([*nearest, *_STARTERS]))[:3]
    choices = tuple(_example(ask.catalogue.intents[name]) for name in names)
    talk = "That reads like a report or a remark, not a question. " if ask.reading.mood != "question" else ""
    lead = "I did not get that."
    if ask.reading.mood in ("report", "negated", "conditional", "wish"):
        lead = f"{talk}Nothing was started."
    return Reply((Text(lead, "heading"), Choices(choices, "Near it, or say help:")), "not_understood")


def _example(intent: Intent) -> Choice:
    said = intent.examples[0]
    return Choice(said, said, intent.does)


def unused_words(reading: Reading) -> list[str]:
    """Words that were recognised but that the answer would not take into account."""
    known = "unused:slot migration" if reading.intent in PLANNING else ""  # its answers look for it in the words
    return [
        one.words
        for one in reading.evidence
        if one.meant.startswith(("unused:not ", "unused:slot ")) and one.meant != known
    ]


def unused(intent: Intent, words: Iterable[str]) -> Reply:
    told = ", ".join(f"“{word}”" for word in words)
    return Reply(
        (
            Text(f"I understood {told}, but cannot take it into account here.", "heading"),
            Text(f"The question was: {intent.does}. Ask it without that, and I answer."),
        ),
        "incomplete",
    )


async def asked_back(ask: Ask, intent: Intent, question: Question) -> Reply:
    match question.why:
        case "missing":
            return _missing(intent, question.slot)
        case "ambiguous":
            return _ambiguous(ask.reading.text, question)
        case "unknown":
            return await _unknown(ask, question)
        case "rivals":
            choices = tuple(_example(ask.catalogue.intents[n]) for n in question.intents if n in ask.catalogue.intents)
            return Reply((Text("That can mean two things.", "heading"), Choices(choices, "Which?")), "ambiguous")
    return Reply(
        (
            Text(f"Do you want me to: {intent.does}?", "heading"),
            Text("Nothing was started. Say it as a plain command, with the full name."),
        ),
        "incomplete",
    )


def _missing(intent: Intent, slot: str) -> Reply:
    what = {"vm": "VM", "kind": "kind of thing", "name": "one", "by": "thing to break it down by"}.get(slot, slot)
    lines = (Text(f"Which {what.replace('_', ' ')}?", "heading"), Text(f"For example: {intent.examples[0]}", "note"))
    return Reply(lines, "incomplete")


def _ambiguous(text: str, question: Question) -> Reply:
    """Each choice says the sentence again with the id in place of the name."""
    choices = tuple(
        Choice(f"{one.name} · {_where(one)}", _with_id(text, question.said, one), plural(one.kind, 1))
        for one in sorted(question.names, key=_where)[:_MOST_CHOICES]
    )
    more = len(question.names) - len(choices)
    count = {2: "two"}.get(len(question.names), str(len(question.names)))
    lead = f"There are {count} of the name {question.names[0].name if question.names else question.said}."
    note = (Text(f"{more} more are not shown: add the project to the question.", "note"),) if more else ()
    return Reply((Text(lead, "heading"), Choices(choices, "Which one?"), *note), "ambiguous")


def _where(name: Name) -> str:
    parts = (plural(name.kind, 1), name.project, name.domain, name.source)
    return " · ".join(part for part in parts if part)


def _with_id(text: str, said: str, name: Name) -> str:
    at = text.casefold().find(said.casefold()) if said else -1
    this = marked(name.kind, name.name, name.source, name.id)
    return f"{text[:at]}{this}{text[at + len(said) :]}" if at >= 0 else f"show {this}"


async def _unknown(ask: Ask, question: Question) -> Reply:
    """The nearest names that this person may know; somebody else's are as unknown as nonsense."""
    kinds = [question.slot] if question.slot in NAMED_KINDS else list(NAMED_KINDS)
    hits = await near(ask.conn, ask.who.scope, question.said, kinds, limit=4) if question.said else []
    what = plural(question.slot, 1) if question.slot in NAMED_KINDS else "object"
    lead = Text(f"I know no {what} “{question.said}”.", "heading")
    return Reply((lead, *_nearest(ask.reading.text, question.said, [as_name(hit) for hit in hits])), "not_found")


def _nearest(text: str, said: str, names: Sequence[Name]) -> tuple[Text | Choices, ...]:
    if not names:
        return (Text("No name comes near it. Search by any part of a name, an IP, a MAC or an id: find …"),)
    choices = tuple(Choice(f"{one.name} · {_where(one)}", _with_id(text, said, one)) for one in names)
    return (Choices(choices, "Did you mean"),)
