"""What people type, as it was meant."""

import pytest

from bot.adapters.slack.texts import mentions, plain


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("<@U0000BOT> list vms", "list vms"),
        ("list vms, <@U0000BOT>", "list vms,"),
        ("<@U0000BOT|stackhand>  list\u00a0vms ", "list vms"),
        ("show <@U1|ann>'s vms", "show @ann's vms"),
        ("vms of <@U1>", "vms of @U1"),
        ("in <#C1|ops>", "in #ops"),
        ("vm <http://web-01.example.com|web-01.example.com>", "vm web-01.example.com"),
        ("see <https://example.com/a?b=1&amp;c=2>", "see https://example.com/a?b=1&c=2"),
        ("vms of <mailto:ann@example.com|ann@example.com>", "vms of ann@example.com"),
        ("<mailto:ann@example.com>", "ann@example.com"),
        ("<!here> <!subteam^S1|@ops> <!subteam^S1> <!date^1^{date}|today>", "@here @ops @subteam today"),
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("&amp;lt;", "&lt;"),
        ("a < b", "a < b"),
        ("line one\nline  two", "line one\nline two"),
        ("", ""),
        ("<>", "<>"),
        ("<@>", "@"),
    ],
)
def test_plain(typed: str, meant: str) -> None:
    assert plain(typed, "U0000BOT") == meant


def test_mentions_of_one_user_only() -> None:
    assert mentions("hi <@U1> x", "U1") and mentions("<@U1|bot>", "U1")
    assert not mentions("hi <@U12>", "U1") and not mentions("@U1", "U1") and not mentions("<@>", "")
