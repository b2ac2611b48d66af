"""A reply as the one message that it must stay, because it is edited as a whole."""

from dataclasses import replace
from datetime import datetime

from bot import formats
from bot.adapters.slack.blocks import render
from bot.adapters.slack.posts import Rendered
from bot.page_links import button
from bot.replies import Choices, File, Link, Part, Reply, Text

MOST_SENT_BYTES = 50 * 2**20
"""Of a file that goes to Slack. Slack itself takes 1 GB; more than this may not be over within our minute for it."""


def with_address(reply: Reply, page_url: str) -> Reply:
    """Its links to our page with the public address; without one they lead nowhere, and are left out.

    The address says nothing of anybody, and opens the page for those who are signed in there. Beside it stands a button
    that shows whoever presses it a link of their own.
    """
    address = page_url.rstrip("/")
    parts = [part for one in reply.parts for part in _to_fetch(one, address)]
    shown = (_addressed(one, address) if isinstance(one, Link) else (one,) for one in parts)
    return replace(reply, parts=tuple(one for some in shown for one in some))


def _addressed(link: Link, address: str) -> tuple[Part, ...]:
    if not address:
        return ()
    sign_in = button("sign in and open", link.to, "shows you a link of your own")
    return replace(link, to=f"{address}{link.to}"), Choices((sign_in,))


def _to_fetch(part: Part, address: str) -> tuple[Part, ...]:
    """A file that takes longer to send than an upload may is told of, with where it lies."""
    if not isinstance(part, File) or len(part.content) <= MOST_SENT_BYTES:
        return (part,)
    size, most = formats.size(len(part.content)), formats.size(MOST_SENT_BYTES)
    said = f"{formats.file_name(part.name)} has {size}, and up to {most} are sent here"
    if not address or not part.id:
        fix = "ask for it as CSV, which is smaller, or ask on the chat page"
        return (Text(f"{said}: {fix}.", "warning"),)
    return (Text(f"{said}: it waits on the page for you.", "warning"), Link("Download it", f"/files/{part.id}"))


def in_one(reply: Reply, *, now: datetime) -> Rendered:
    """As much of it as one message takes, its buttons always, and a word on the rest."""
    buttons = tuple(part for part in reply.parts if isinstance(part, Choices))
    told = [part for part in reply.parts if not isinstance(part, Choices)]
    drawn, count = render(reply, now=now), len(told)
    while len(drawn.posts) > 1 and count > 1:
        count //= 2
        drawn = render(replace(reply, parts=(*told[:count], _more(reply), *buttons)), now=now)
    return Rendered(drawn.posts[:1], drawn.files)


def _more(reply: Reply) -> Text:
    ref = next((ref for ref in reply.follows if ref.startswith("request/")), "")
    say = f"show REQ-{ref.split('/')[1]}" if ref else "freshness"
    if reply.intent == "migration_summary":
        say = f"summary of the {reply.slots['migration']} migration" if "migration" in reply.slots else "migrations"
    return Text(f"There is more to tell: say {say}.", "note")
