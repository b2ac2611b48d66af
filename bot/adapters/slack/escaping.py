"""What makes text from outside harmless in Slack: it never pings, links, formats or draws an emoji from its code.

Data stands in rich text, in table cells (`raw_text`) and in `plain_text` objects, where nothing is markup. In
`plain_text`, `&`, `<` and `>` are escaped, as Slack keeps them itself; rich text and cells are shown as they are sent.
Labels and the text for notifications are read by Slack as mrkdwn, which knows no escape for `*`, `_`, `~`, the
back-tick and `:code:`: `literal` puts a look-alike there. A value stands beside its label only where none is needed, so
that what is copied is what it is.

What cannot be prevented: a phone may turn what looks like an address, a date or a number into a link when it shows it.
Slack itself makes none here, if the message is sent with `unfurl_links`, `unfurl_media` and `link_names` off, `mrkdwn`
false and without `parse`.
"""

import re
from typing import Any

from bot import formats
from bot.adapters.slack import limits

_ALIKE = str.maketrans({"*": "∗", "_": "＿", "~": "∼", "`": "ˋ"})
# A mark formats only at the edge of a word: in daily_5 it may stay.
_MARK = re.compile(r"(?<![^\W_])[*_~`]+|[*_~`]+(?![^\W_])|`")
_QUOTE = re.compile(r"^>+")  # also where it is sent as &gt;
_EMOJI = re.compile(r":(?=[^\s:]+:)")
_SIGN = re.compile(r"[@#](?=\w)|:(?=//)")  # a ping, a channel, an address
_JOINER = "\u2060"  # shows nothing, takes no room, allows no line break


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escaped(text: str, most: int) -> str:
    """Escaped and at most `most` units long; no entity is cut in the middle."""
    done = escape(text)
    if limits.length(done) <= most:
        return done
    kept = 0
    for at, char in enumerate(text):
        kept += limits.length(escape(char))
        if kept > most - 1:
            return escape(text[:at].rstrip()) + "…"
    return done


def plain(text: str, most: int, *, lines: bool = False) -> dict[str, Any]:
    """A `plain_text` object of at most `most` units, never empty."""
    shown = escaped(formats.clean(text, lines=lines).strip(), most)
    return {"type": "plain_text", "text": shown or formats.UNKNOWN, "emoji": False}


def literal(text: str) -> str:
    """Text for a place where Slack reads mrkdwn, on one line: it reads the same and means nothing."""
    text = _MARK.sub(lambda mark: mark[0].translate(_ALIKE), _QUOTE.sub("›", formats.clean(text).lstrip()))
    return escape(_SIGN.sub(lambda sign: sign[0] + _JOINER, _EMOJI.sub("꞉", text)))


def is_literal(text: str) -> bool:
    """Whether no line of a cleaned text means anything to mrkdwn once it is escaped."""
    return all(literal(line) == escape(line.lstrip()) for line in text.split("\n"))


def pair(label: str, value: str) -> dict[str, Any]:
    """A bold label above its value, as a mrkdwn object; the value is cleaned and `is_literal`."""
    shown = literal(label).strip().replace("*", "∗")
    return {"type": "mrkdwn", "text": f"*{shown}*\n{escape(value)}", "verbatim": True}


def notification(text: str, most: int) -> str:
    """`literal` and at most `most` units long, which must not be few: signs may take five each."""
    while limits.length(shown := literal(text).strip()) > most:
        text = limits.cut(text, min(most, limits.length(text) * 3 // 4))
    return shown


def is_said(text: str, most: int) -> bool:
    """Whether a button or an option may carry a text: there is something to say, and it is not too long."""
    return bool(text.strip()) and limits.length(unbroken(text)) <= most


def unbroken(text: str) -> str:
    """What a button says, to the letter: only what no JSON can carry is replaced."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
