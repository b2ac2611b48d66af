"""The whole process dies in the middle of a decision: all of it is there or nothing, and a second click is told."""

import asyncio
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from bot.adapters.text import render
from bot.messages import Message
from bot.pipeline import Pipeline
from storage import requests
from storage.database import Database
from tests.acceptance.processes import ROOT, environment
from tests.engines.changes.house import asked, furnish

_COUNTS = text(
    "SELECT (SELECT count(*) FROM request_vote), (SELECT count(*) FROM audit WHERE action = 'request.approved'),"
    " (SELECT count(*) FROM job), (SELECT count(*) FROM dbos.workflow_status)"
)


async def killed(url: str, when: str, said: str) -> int:
    command = [sys.executable, "-m", "tests.acceptance.decider", url, when, "carol", said]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=environment(), timeout=120, check=False, capture_output=True
    )
    return done.returncode


async def counts(database: Database) -> tuple[int, ...]:
    """Votes, rows of the record, jobs, workflows that are enqueued."""
    async with database.connect() as conn:
        return tuple((await conn.execute(_COUNTS)).one())


async def state(database: Database, number: int) -> str:
    async with database.connect() as conn:
        found = await requests.find(conn, number)
    return found.state if found else ""


async def click(database: Database, said: str) -> str:
    """The same click again, in a process that lives."""
    now = datetime.now(UTC)
    (reply,) = await Pipeline(database).answer(Message("again", "carol", "c", said, now))
    return render(reply, now)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_in_the_middle_of_a_decision(database: Database, database_url: str, when: str) -> None:
    await furnish(database)
    request = await asked(database)
    said = f"approve #request/{request.token}"
    assert await killed(database_url, when, said) == -signal.SIGKILL
    committed = when == "after"
    assert await counts(database) == ((1, 1, 1, 1) if committed else (0, 0, 0, 0))
    assert await state(database, request.id) == ("approved" if committed else "pending")
    told = await click(database, said)
    print(f"\nkilled {when} the commit: {await counts(database)} after the second click, which was told:\n{told}")
    assert ("nothing is left to decide" if committed else "Approved by Carol") in told
    assert await counts(database) == (1, 1, 1, 1) and await state(database, request.id) == "approved"
