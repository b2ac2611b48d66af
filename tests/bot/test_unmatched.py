"""`stackhand intents unmatched`: masked, grouped, most often first."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.commands.unmatched import masked_lines
from bot.messages import Message
from bot.pipeline import Pipeline
from intents.lexicon import load_lexicon
from storage.database import Database
from storage.people import Grant, add_person, grant
from tests.bot.conftest import Run
from tests.storage.listed import row, write


async def _say(database: Database, *said: str) -> None:
    asking = Pipeline(database)
    async with database.begin() as conn:
        await add_person(conn, "ada", "Ada Lovelace")
        await grant(conn, "ada", Grant("superadmin"), "test")
    for number, one in enumerate(said):
        await asking.answer(Message(f"m{number}", "ada", f"c{number}", one, datetime.now(UTC)))


async def _inventory(database: Database) -> None:
    owner: dict[str, Any] = {"technical_owner": "Carol Díaz"}
    await write(database, "vm", [row("v1", "web-01", "p", **owner), row("v2", "jenkins", "p"), row("v3", "db-02", "p")])


async def test_sentences_that_differ_in_names_are_one_line(database: Database) -> None:
    await _inventory(database)
    await _say(
        database, "wibble web-01", "wibble db-02", "wibble jenkins", "wibble the snorkel of carol díaz",
        "wibble 10.1.2.3 for bob@example.org, REQ-12", "how many vms are there?", 'wibble "some thing"',
    )  # fmt: skip
    async with database.connect() as conn:
        lines = await masked_lines(conn, datetime.now(UTC) - timedelta(days=1), load_lexicon())
    assert (lines[0].times, lines[0].text, lines[0].why) == (3, "wibble VM_1", "not understood")
    texts = {line.text for line in lines}
    assert "wibble ADDRESS_1 for MAIL_1 , REQUEST_1" in texts and "wibble NAME_1" in texts
    assert "wibble the snorkel of OWNER_1" in texts
    told = " ".join(texts).casefold()
    assert [
        name for name in ("web-01", "db-02", "jenkins", "carol", "díaz", "bob", "10.1", "thing") if name in told
    ] == []
    assert not any("how many" in line.text for line in lines)


async def test_the_command_prints_lines_or_json(
    database: Database, database_url: str, run: Run, monkeypatch: Any
) -> None:
    import asyncio

    await _inventory(database)
    await _say(database, "wibble web-01", "wibble db-02")
    monkeypatch.setenv("STACKHAND_DATABASE_URL", database_url)
    code, out, _ = await asyncio.to_thread(run, "intents", "unmatched", "--json")
    found = json.loads(out)
    assert code == 0 and found["days"] == 7
    assert [(line["times"], line["text"], line["why"]) for line in found["lines"]] == [
        (2, "wibble VM_1", "not understood")
    ]
    code, out, _ = await asyncio.to_thread(run, "intents", "unmatched", "--days", "1")
    assert code == 0 and "    2  wibble VM_1\n       not understood (command)\n" in out


async def test_nothing_to_learn_is_said(database_url: str, run: Run, monkeypatch: Any) -> None:
    import asyncio

    monkeypatch.setenv("STACKHAND_DATABASE_URL", database_url)
    code, out, _ = await asyncio.to_thread(run, "intents", "unmatched", "--days", "3")
    assert code == 0 and out.startswith("Everything of the last 3 days was understood")
    code, _, err = await asyncio.to_thread(run, "intents", "unmatched", "--days", "0")
    assert code == 2 and "--days" in err
