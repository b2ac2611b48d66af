import asyncio
import io
from collections.abc import Sequence

import pytest
from rich.console import Console
from structlog.testing import capture_logs

from bot.adapters.console import Conversation
from bot.adapters.watching import Watch, brief, in_place
from bot.followed import Told
from bot.replies import Reply, Text
from tests.bot.adapters.samples import HOSTILE, Memory, Tells, count, job


class Moving(Tells):
    """A job that is one further at each look."""

    async def told(self, refs: Sequence[str], *, late: bool) -> Told:
        told = await super().told(refs, late=late)
        self.at = min((self.at or 0) + 1, 4)
        return told


async def test_it_is_watched_to_its_end_under_what_was_understood() -> None:
    asked = Reply((Text("asked for", "heading"),), intent="snapshot", slots={"vm": "web-01"}, follows=("job/7",))
    shown: list[str] = []
    watch = Watch(Moving(0), (count(), asked), pause_s=0)
    await watch.run(lambda replies: shown.append(brief(replies[1])))
    assert shown[0] == shown[1] == "asked for" and shown[2] == "The job runs: 1 of 4 · Snapshots 1 of 4"
    assert watch.ended and watch.well and watch.replies[0] == count()
    assert brief(watch.replies[1]).startswith("The job is done") and watch.replies[1].intent == "snapshot"
    assert watch.replies[1].slots == {"vm": "web-01"}


async def test_what_ended_badly_is_not_well() -> None:
    tells = Moving()
    tells.well = False
    watch = Watch(tells, (job(0),), pause_s=0)
    await watch.run(lambda replies: None)
    assert watch.ended and not watch.well


async def test_a_fault_is_got_over_and_many_in_a_row_are_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.watching._MOST_FAULTS", 3)
    tells = Tells(None)
    watch = Watch(tells, (job(0),), pause_s=0)
    with capture_logs() as logs:
        await asyncio.wait_for(watch.run(lambda replies: None), 5)
    assert not watch.ended and len(logs) == 3 and watch.replies == (job(0),)


async def test_after_days_it_is_told_that_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 10.0, 700_000.0, 700_001.0, 700_002.0])
    monkeypatch.setattr("bot.adapters.watching.monotonic", lambda: next(times))
    tells = Moving(2)
    await Watch(tells, (job(0),), pause_s=0).run(lambda replies: None)
    assert [late for _, late in tells.asked] == [False, True, True]


async def test_where_there_is_no_terminal_only_what_is_new_is_a_line() -> None:
    screen = io.StringIO()
    with in_place(Console(file=screen, width=40)) as show:
        for reply in (job(1), job(1), job(2), Reply((Text(HOSTILE[6], "heading"),))):
            show((reply,))
    first, second, third, end = screen.getvalue().split("\n")
    assert (first, second) == ("The job runs: 1 of 4 · Snapshots 1 of 4", "The job runs: 2 of 4 · Snapshots 2 of 4")
    assert "\x1b" not in third and "red" in third and end == ""


async def test_in_a_terminal_it_is_redrawn_and_leaves_nothing_behind() -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=60, height=30, force_terminal=True, color_system=None, _environ={})
    with in_place(console, "any key") as show:
        show((job(1),))
        show((job(2),))
    shown = screen.getvalue()
    assert (
        shown.count("any key") >= 2
        and "The job runs: 1 of 4" in shown
        and "The job runs: 2 of 4" in shown
        and "\x1b[1A" in shown
    )
    assert shown.endswith("\x1b[2K")


async def talk(said: Sequence[str], tells: Tells, *, interactive: bool = True) -> tuple[Memory, str]:
    lines, screen, memory = iter(said), io.StringIO(), Memory()
    memory.more["job"] = job(0)

    async def ask(prompt: str) -> str | None:
        return next(lines, None)

    console = Console(file=screen, width=100, height=500, soft_wrap=True, highlight=False)
    await Conversation(memory, console, ask, "ann", interactive, telling=tells).run()
    return memory, screen.getvalue()


async def test_a_conversation_shows_the_end_and_offers_the_newest_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.watching.PAUSE_S", 0.0)
    memory, shown = await talk(["job", "1"], Moving())
    assert shown.count("The job is done") == 2  # as it went on, and at the end with all of it
    assert [m.text for m in memory.heard] == ["job", "1"]  # the ended job has no button any more


async def test_a_pipe_is_answered_at_once() -> None:
    tells = Tells()
    memory, shown = await talk(["job", "1"], tells, interactive=False)
    assert not tells.asked and "0 of 4" in shown
    assert [m.text for m in memory.heard] == ["job", "cancel job 7"]
