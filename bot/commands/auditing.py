"""`stackhand audit verify`: is the record as it was written?"""

import json

import typer

from bot.app import open_storage, quiet_logs
from bot.commands.failures import Failure
from bot.settings import Settings
from storage.audit import Head, head, verify


async def verify_chain(settings: Settings, as_json: bool, known: str = "") -> None:
    """`known` is a head that was noted earlier, "ID:HASH". Raises Failure that names the first bad row."""
    quiet_logs(settings)
    noted = _head(known) if known else None
    async with open_storage(settings, visit=True) as storage, storage.database.connect() as conn:
        verdict, last = await verify(conn, known=noted), await head(conn)
    end = f"{last.id}:{last.hash.hex()}" if last else ""
    if as_json:
        told = {"ok": verdict.bad is None, "rows": verdict.rows, "bad": verdict.bad, "why": verdict.why, "head": end}
        typer.echo(json.dumps(told))
    elif verdict.bad is None:
        typer.echo(f"{verdict.rows:,} rows are as they were written" + (f"\nthe end is {end}" if end else ""))
    if verdict.bad is not None:
        raise Failure(
            f"row {verdict.bad} of the audit record is bad: {verdict.why}",
            "find out who can write to the database, and compare with a backup",
        )


def _head(known: str) -> Head:
    id_, _, digest = known.partition(":")
    try:
        return Head(int(id_), bytes.fromhex(digest))
    except ValueError:
        raise Failure(f"{known!r} is not the end of a chain", "give it as `audit verify` printed it, ID:HASH") from None
