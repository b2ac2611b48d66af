"""How what a message follows stands, from the real tables."""

from typing import Any

import pytest
from sqlalchemy import text

from bot.followed import Tellings
from bot.replies import Text
from storage.database import Database


async def run(database: Database, state: str, **kinds: Any) -> str:
    async with database.begin() as conn:
        id_ = await conn.scalar(
            text(
                "INSERT INTO sync_run (source, state, started_at, finished_at) VALUES ('lab', :state, "
                "now(), CASE WHEN :state IN ('waiting', 'running') THEN NULL ELSE now() END) RETURNING id"
            ),
            {"state": state},
        )
    return f"sync/{id_}"


@pytest.mark.parametrize(
    ("state", "says", "ended", "well"),
    [
        ("waiting", None, False, False),
        ("running", "A sync of lab is running.", False, False),
        ("done", "The sync of lab is done.", True, True),
        ("partial", "The sync of lab is done in part.", True, False),
        ("failed", "The sync of lab failed.", True, False),
    ],
)
async def test_a_sync_is_told_of(database: Database, state: str, says: str | None, ended: bool, well: bool) -> None:
    told = await Tellings(database).told((await run(database, state),), late=False)
    heading = told.reply.parts[0] if told.reply else None
    assert (heading.text if isinstance(heading, Text) else None) == says
    assert (told.ended, told.well) == (ended, well)


async def test_several_have_ended_well_only_together(database: Database) -> None:
    refs = (await run(database, "done"), await run(database, "failed"))
    told = await Tellings(database).told(refs, late=False)
    assert told.ended and not told.well


@pytest.mark.parametrize("late", [False, True])
async def test_what_is_not_on_record_is_not_well(database: Database, late: bool) -> None:
    told = await Tellings(database).told(("sync/4711",), late=late)
    assert told.ended and told.reply is not None and not told.well


async def test_what_has_no_teller_has_ended_and_says_nothing(database: Database) -> None:
    told = await Tellings(database).told(("oddity/1",), late=False)
    assert (told.reply, told.ended, told.well) == (None, True, False)
