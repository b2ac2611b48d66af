"""What people type in Slack, as plain text: mentions and links in angle brackets, three escaped characters."""

import re

_ANGLED = re.compile(r"<([^<>\n]{1,3000})>")
_SPACES = re.compile(r"[ \t\u00a0]+")


def plain(text: str, bot: str = "") -> str:
    """The text as it was meant. Mentions of the user id `bot` are taken out: they only address it."""
    told = _ANGLED.sub(lambda match: _told(match[1], bot), text)
    told = told.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return "\n".join(_SPACES.sub(" ", line).strip() for line in told.splitlines()).strip()


def mentions(text: str, user: str) -> bool:
    return bool(user) and re.search(rf"<@{re.escape(user)}(\|[^<>]*)?>", text) is not None


def _told(inside: str, bot: str) -> str:
    target, _, label = inside.partition("|")
    match target[:1]:
        case "@":
            return "" if bot and target[1:] == bot else f"@{label or target[1:]}"
        case "#":
            return f"#{label or target[1:]}"
        case "!":
            word = target[1:].partition("^")[0]
            return label or f"@{word}"
    return label or target.removeprefix("mailto:")
