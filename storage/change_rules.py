"""The rules of changes as they were put in force; none: those that come with the program."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.change_tables import change_rule
from storage.json_texts import json_value


async def load(conn: AsyncConnection) -> list[Mapping[str, Any]]:
    """In their order, as `replace` was given them."""
    return list(await conn.scalars(select(change_rule.c.rule).order_by(change_rule.c.position)))


async def replace(conn: AsyncConnection, rules: Sequence[Mapping[str, Any]], by: str) -> None:
    await conn.execute(delete(change_rule))
    rows = [{"position": at, "rule": json_value(rule), "by": by} for at, rule in enumerate(rules)]
    if rows:
        await conn.execute(insert(change_rule), rows)
