"""The way from a chat to the page: a link for one person, shown to that person alone, and kept nowhere."""

import re
from datetime import timedelta

from bot.handlers.asking import Ask
from bot.people import LOCAL
from bot.replies import Choice, Choices, Outcome, Part, Reply, Secret, Text
from bot.web.addresses import address_of
from intents.readings import Evidence, Reading
from storage import audit, page_sessions

VALID = timedelta(minutes=15)
SAID = "open the page"
SHOWS = re.compile(rf"{SAID} #page/\S*")
"""What the button says that brings a link: a platform that keeps its messages shows it elsewhere."""
_ASKED = re.compile(
    r"\s*(?:please\s+)?(?:(?:can|could) (?:you|i)\s+|i (?:want|need) (?:to\s+)?)?(?:(?:give|show|send|get) (?:me\s+)?)?"
    r"(?:open (?:the|my) (?:web\s*)?page|(?:(?:a|my|the) )?(?:web\s*)?page link"
    r"|(?:a|my|the) link to the (?:web\s*)?page|sign me in(?: to the (?:web\s*)?page)?)(?:\s+please)?\s*[.!?]*\s*",
    re.IGNORECASE,
)
_PAGES = re.compile(r"/(?:files/[A-Za-z0-9_-]{1,100}|migrations(?:/[0-9]{1,18}(?:/[a-z]{1,20})?)?(?:\?[!-~]{0,500})?)?")
_MEANT = "page:"


def button(label: str, path: str = "/", hint: str = "") -> Choice:
    """Brings whoever presses it a link of their own, which opens this path of our page."""
    return Choice(label, f"{SAID} #page{path}", hint)


def asked_for(text: str) -> Reading | None:
    """The button, or words that ask for the page; None for anything else. A path that is none of ours is the chat's."""
    if not SHOWS.fullmatch(text.strip()) and not _ASKED.fullmatch(text):
        return None
    path = text.partition("#page")[2].strip()
    evidence = (Evidence(path if _PAGES.fullmatch(path) else "/", _MEANT),)
    return Reading(text, "whoami", {}, confidence=1.0, mood="command", source="template", evidence=evidence)


def wanted(reading: Reading) -> str | None:
    """The path that is to be opened; None where nobody asked for the page."""
    return next((one.words for one in reading.evidence if one.meant == _MEANT), None)


def offer(ask: Ask) -> tuple[Part, ...]:
    """The button, for those who can come in by it."""
    if not ask.page_url or ask.who.id == LOCAL:
        return ()
    label = "a link for another browser" if ask.unseen else "open the page"  # unseen: they may be at the page now
    return (Choices((button(label, hint="yours alone, good once"),)),)


async def link_for(ask: Ask, path: str) -> Reply:
    """The link, where nobody else sees it and it is kept nowhere on its way; elsewhere the button that brings it."""
    if ask.who.id == LOCAL:
        return _plain("You speak for this machine here.", "In a terminal: stackhand people page-link local")
    if not ask.page_url:
        fix = "Whoever runs Stackhand can set it: STACKHAND_PAGE_URL, such as https://stackhand.example.org"
        return _plain("The page has no address that I know.", fix, "failed")
    if not ask.unseen:
        note = Text("The button shows the link to you alone: it is never part of a message.", "note")
        shown = (Text("The page opens with a link of your own.", "heading"), Choices((button("show my link", path),)))
        return Reply((*shown, note), private=True)
    token = await page_sessions.make_link(ask.conn, ask.who.id, now=ask.now, valid=VALID, opens=path)
    await audit.record(
        ask.conn, person=ask.who.id, action="page.link", target=ask.who.id, outcome="done", at=ask.now,
        detail={"opens": path, "minutes": int(VALID.total_seconds() // 60), "conversation": ask.conversation},
    )  # fmt: skip
    until = (ask.now + VALID).strftime("%H:%M")
    told = Text(f"It works once, until {until} UTC. Whoever opens it is you there: do not pass it on.", "warning")
    lead = Text("Your link to the page", "heading")
    return Reply((lead, Secret("your link", address_of(ask.page_url, token)), told), private=True)


def _plain(what: str, fix: str, outcome: Outcome = "answered") -> Reply:
    return Reply((Text(what, "heading"), Text(fix)), outcome, private=True)
