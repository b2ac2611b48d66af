"""`stackhand intents unmatched`: what the words could learn from."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.app import open_storage, quiet_logs
from bot.naming import names_in
from bot.settings import Settings
from intents.lexicon import Lexicon, load_lexicon
from intents.masking import candidates, mask
from storage.exchanges import Unmatched, unmatched
from storage.known_names import known_names
from storage.scopes import EVERYTHING

_MOST = 1000  # different sentences
_WIDEST = 160


@dataclass(frozen=True, slots=True)
class Line:
    """Sentences that are the same once their names are masked. `intent` is what they were taken for."""

    times: int
    why: str
    intent: str | None
    mood: str
    text: str
    last_at: datetime


async def print_unmatched(settings: Settings, days: int, as_json: bool) -> None:
    quiet_logs(settings)
    async with open_storage(settings, visit=True) as storage, storage.database.connect() as conn:
        lines = await masked_lines(conn, datetime.now(UTC) - timedelta(days=days), load_lexicon())
    if as_json:
        rows = [{**asdict(line), "last_at": line.last_at.astimezone(UTC).isoformat()} for line in lines]
        typer.echo(json.dumps({"days": days, "lines": rows}, ensure_ascii=False))
        return
    for line in lines:
        taken = f"{line.why}, taken for {line.intent}" if line.intent else line.why
        typer.echo(f"{line.times:5}  {line.text[:_WIDEST]}\n       {taken} ({line.mood or 'no mood'})")
    if not lines:
        typer.echo(f"Everything of the last {days} days was understood, and nobody said that an answer was wrong.")


async def masked_lines(conn: AsyncConnection, since: datetime, lexicon: Lexicon) -> list[Line]:
    """Most often first, then the newest."""
    found = await unmatched(conn, since, _MOST)
    known = await known_names(conn, [span for one in found for span in candidates(one.said)])
    lines: dict[tuple[str, str, str | None], Line] = {}
    for one in found:
        line = Line(one.times, one.why, one.intent, one.mood, await _masked(conn, one, known, lexicon), one.last_at)
        key = (line.text.casefold(), line.why, line.intent)
        before = lines.get(key)
        lines[key] = line if before is None else _together(before, line)
    return _sorted(list(lines.values()))


async def _masked(conn: AsyncConnection, one: Unmatched, known: frozenset[str], lexicon: Lexicon) -> str:
    text, names = await names_in(conn, EVERYTHING, one.said, lexicon.knows)
    return mask(text, known, lexicon, names).text


def _together(one: Line, other: Line) -> Line:
    return replace(one, times=one.times + other.times, last_at=max(one.last_at, other.last_at))


def _sorted(lines: Sequence[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.times, -line.last_at.timestamp(), line.text))
