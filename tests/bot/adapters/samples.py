"""Replies that every renderer is tested with, and small counterparts of what stands behind an adapter."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.adapters import Exchange
from bot.followed import Told
from bot.messages import Message
from bot.replies import (
    Bar,
    Cell,
    Chart,
    Choice,
    Choices,
    Column,
    Fields,
    File,
    Freshness,
    Progress,
    Reply,
    Table,
    Text,
    from_json,
    to_json,
)

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
GOLDEN = Path(__file__).parents[2] / "golden"
FRESH = Freshness(NOW - timedelta(minutes=3))

HOSTILE = (
    "<script>alert(1)</script>",
    "<!channel>",
    "=cmd|' /C calc'!A0",
    "\u202egnp.exe\u202c",
    "x" * 255,
    "😀👩‍👩‍👧🇩🇪",
    "a\x1b[31mred\x1b]0;title\x07\x00",
    "שלום world",
    "z" + "\u0301" * 40,
    '" onmouseover="alert(1)',
    "{{ 7*7 }} {% raw %} $\\alpha$ `rm` **bold**",
    "half\ud800",
)


def count() -> Reply:
    columns = (
        Column("name", "name"),
        Column("state", "state"),
        Column("since", "off since", "time"),
        Column("memory_mib", "memory", "mib"),
        Column("disk", "disk", "gib"),
        Column("cpu", "CPU", "percent"),
        Column("tags", "tags", "list"),
        Column("locked", "locked", "flag"),
    )
    rows: tuple[tuple[Cell, ...], ...] = (
        ("db-02", "SHUTOFF", "2026-11-22T09:00:00+00:00", 65536, 200, 12.5, ["prod", "db"], True),
        ("web-1", "ERROR", "2026-11-25T08:20:00Z", 1536, 2048, 97.0, [], False),
        ("new", "BUILD", None, None, None, None, None, None),
    )
    choices = Choices((Choice("without owner", "and without owner?"), Choice("export", "export that")))
    return Reply((Text("7 of 41 VMs are off", "heading"), Table(columns, rows, 7), choices), "answered", "pcd-1", FRESH)


def card() -> Reply:
    pairs = (("Status", "ACTIVE"), ("Addresses", "10.20.0.15\n203.0.113.9"), ("Owner", ""))
    return Reply(
        (
            Text("db-02", "heading"),
            Text("one line\nand another"),
            Text("small", "note"),
            Text("it is not protected", "warning"),
            Fields(pairs, "About"),
            Table((Column("name", "name"),), (), 0, "Volumes"),
            Progress("Listing", 3, 4, "a minute left"),
            File("rows.csv", "text/csv", b"a,b\n", "file-1"),
            File("lost.xlsx", "application/octet-stream", b""),
        ),
        scope="pcd-1, project acme-prod",
        freshness=Freshness(None, ("vc-1 refused the login since 04:48 UTC. Run stackhand doctor.",)),
        demo=True,
    )


def quota() -> Reply:
    bars = (Bar("acme-prod", 36, 40), Bar("acme-dev", 44, 40), Bar("globex", 6, 120))
    return Reply((Chart("VMs against quota", bars, "VMs", "two of three are near"),), scope="pcd-1", freshness=FRESH)


def hostile() -> Reply:
    return Reply(
        (
            Text(HOSTILE[0] + HOSTILE[3], "heading"),
            Fields(tuple((text, text) for text in HOSTILE), HOSTILE[0]),
            Table((Column(HOSTILE[0], HOSTILE[9]),), tuple((text,) for text in HOSTILE), 5000, HOSTILE[3]),
            Chart(HOSTILE[10], tuple(Bar(text, at + 1) for at, text in enumerate(HOSTILE)), HOSTILE[0]),
            Choices(tuple(Choice(text, text, text) for text in HOSTILE), HOSTILE[9]),
            File("../../etc/" + HOSTILE[9], HOSTILE[0], b"x", 'id"><b>'),
            Progress(HOSTILE[9], 5, 0, HOSTILE[0]),
        ),
        scope=HOSTILE[0],
        freshness=Freshness(NOW, HOSTILE[:2]),
        demo=True,
    )


SAMPLES: Mapping[str, Reply] = {"count": count(), "card": card(), "quota": quota(), "hostile": hostile()}


def check_golden(path: str, text: str) -> None:
    """Compares with the kept file; UPDATE_GOLDEN=1 writes it instead, to be looked at and committed."""
    file = GOLDEN / path
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_bytes().decode("utf-8")


class Memory:
    """An answerer and archive that answers with the sample whose name is in the message, and keeps what was said."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.answered: list[Message] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.more: dict[str, Reply] = {}

    async def answer(self, message: Message) -> tuple[Reply, ...]:
        self.heard.append(message)
        await self.go_on.wait()
        if "boom" in message.text:
            raise RuntimeError("the password is hunter2")
        self.answered.append(message)
        return self._replies(message)

    async def recent(self, conversation: str, person: str, limit: int) -> Sequence[Exchange]:
        own = [m for m in self.answered if m.conversation == conversation and m.person == person]
        return [Exchange(m.text, tuple(from_json(to_json(r)) for r in self._replies(m)), m.at) for m in own][-limit:]

    async def stored(self, id: str, person: str) -> File | None:  # noqa: A002
        return File('ro"ws\u202e.csv', "text/csv", b"a,b\n", id) if (id, person) == ("file-1", "ann") else None

    def _replies(self, message: Message) -> tuple[Reply, ...]:
        named = tuple(reply for name, reply in {**SAMPLES, **self.more}.items() if name in message.text)
        return named or (Reply((Text(f"I did not get {message.text}", "heading"),), "not_understood"),)


def job(done: int, of: int = 4) -> Reply:
    """What a job says of itself: a bar, rows that change, and a button until it has ended."""
    rows = tuple((f"web-{n}", "done" if n <= done else "waiting") for n in range(1, of + 1))
    parts = (
        Text("The job is done" if done == of else f"The job runs: {done} of {of}", "heading"),
        Progress("Snapshots", done, of, "about a minute left"),
        Table((Column("name", "VM"), Column("state", "state")), rows, of),
    )
    buttons = (Choices((Choice("Cancel", "cancel job 7"), Choice("More", "show job 7"))),)
    return Reply(parts if done == of else (*parts, *buttons), demo=True, follows=("job/7",))


class Tells:
    """A Telling that says what it is set to: `at` is how far the job is, of 4; None: it cannot be told."""

    def __init__(self, at: int | None = 1) -> None:
        self.at = at
        self.well = True
        self.asked: list[tuple[tuple[str, ...], bool]] = []

    async def told(self, refs: Sequence[str], *, late: bool) -> Told:
        self.asked.append((tuple(refs), late))
        if self.at is None:
            raise ConnectionRefusedError("postgresql://user:hunter2@host")
        if self.at == 0:
            return Told(None, False)
        return Told(job(self.at), self.at == 4, self.at == 4 and self.well)
