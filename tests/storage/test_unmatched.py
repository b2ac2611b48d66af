"""What was not answered as it was meant: which sentences count, and how often."""

from datetime import timedelta
from typing import Any

from storage import exchanges
from storage.database import Database
from tests.storage.listed import T0


async def _said(database: Database, said: str, intent: str | None = None, minutes: float = 0, **more: Any) -> int:
    reading = {"source": more.get("source", "lexicon"), "mood": more.get("mood", "command")}
    outcome = more.get("outcome", "answered" if intent else "not_understood")
    async with database.begin() as conn:
        return await exchanges.append(
            conn, conversation=more.get("where", "c"), person=more.get("person", "ada"),
            at=T0 + timedelta(minutes=minutes), said=said, intent=intent, reading=reading,
            reply={"outcome": outcome}, took_ms=1,
        )  # fmt: skip


async def _unmatched(database: Database, after: float = 0, limit: int = 50) -> list[tuple[int, str, str]]:
    async with database.connect() as conn:
        found = await exchanges.unmatched(conn, T0 + timedelta(minutes=after), limit)
    return [(one.times, one.said, one.why) for one in found]


async def test_what_was_not_understood_is_counted_word_by_word(database: Database) -> None:
    for minutes in range(3):
        await _said(database, "wibble", minutes=minutes, where=str(minutes))
    await _said(database, "snorkel", minutes=5)
    await _said(database, "how many vms", "count", minutes=6)
    await _said(database, "a file", outcome="failed", minutes=7)
    assert await _unmatched(database) == [(3, "wibble", "not understood"), (1, "snorkel", "not understood")]
    assert await _unmatched(database, after=2) == [(1, "snorkel", "not understood"), (1, "wibble", "not understood")]
    assert len(await _unmatched(database, limit=1)) == 1


async def test_judged_wrong_routed_and_corrected_count_too(database: Database) -> None:
    wrong = await _said(database, "vms of acme", "list", where="a")
    right = await _said(database, "volumes of acme", "list", where="b")
    async with database.begin() as conn:
        await exchanges.judge(conn, wrong, False)
        await exchanges.judge(conn, right, True)
    await _said(database, "boxen", "count", where="d", source="model")
    await _said(database, "show db-01", "show", where="e")
    await _said(database, "no, i meant db-02", "show", where="e", minutes=1)
    assert sorted(await _unmatched(database)) == [
        (1, "boxen", "routed by a model"),
        (1, "show db-01", "corrected"),
        (1, "vms of acme", "judged wrong"),
    ]


async def test_a_correction_is_one_of_the_same_person_there_and_then(database: Database) -> None:
    await _said(database, "show db-01", "show")
    await _said(database, "no, i meant db-02", "show", minutes=1, person="bob")
    await _said(database, "no, i meant db-03", "show", minutes=1, where="d")
    await _said(database, "no, i meant db-04", "show", minutes=20)
    await _said(database, "show nodes", "list", minutes=30, where="f")
    await _said(database, "list snow machines", "list", minutes=31, where="f")
    assert await _unmatched(database) == []
