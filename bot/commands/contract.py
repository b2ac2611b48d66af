"""What `ask --json` prints: a contract with scripts. Keys are added, never renamed."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

from bot.replies import Chart, Choices, Fields, File, Link, Part, Reply, Table, Text
from bot.told import Sure, Told

_P = TypeVar("_P", bound=Part)


def as_json(told: Told, text: str, paths: Mapping[str, Path], now: datetime) -> dict[str, Any]:
    """The first answer under the contract's keys; when a message asked for several things, all under `answers`.

    `text` is the whole answer as the terminal shows it, `paths` where its files were written, by name.
    """
    replies = told.replies or (Reply((), outcome="not_understood"),)
    answers = [
        _answer(reply, sure or Sure(), paths, now)
        for reply, sure in zip_longest(replies, told.sure[: len(replies)])
        if reply is not None
    ]
    whole = {**answers[0], "text": text, "took_ms": told.took_ms}
    return whole if len(answers) < 2 else {**whole, "answers": answers}


def _answer(reply: Reply, sure: Sure, paths: Mapping[str, Path], now: datetime) -> dict[str, Any]:
    tables = [_table(part) for part in _of(Table, reply.parts)]
    oldest = reply.freshness.oldest if reply.freshness else None
    return {
        "intent": reply.intent,
        "slots": dict(reply.slots),
        "confidence": sure.confidence,
        "source": sure.source,
        "outcome": reply.outcome,
        "scope": reply.scope,
        "demo": reply.demo,
        "said": [{"text": part.text, "style": part.style} for part in _of(Text, reply.parts)],
        "table": tables[0] if tables else None,
        "tables": tables,
        "fields": {label: value for part in _of(Fields, reply.parts) for label, value in part.pairs},
        "charts": [{"title": part.title, "alt": part.alt} for part in _of(Chart, reply.parts)],
        "files": [_file(part, paths) for part in _of(File, reply.parts)],
        "choices": [
            {"label": choice.label, "said": choice.said, "hint": choice.hint}
            for part in _of(Choices, reply.parts)
            for choice in part.choices
        ],
        "links": [{"label": link.label, "to": link.to} for link in _of(Link, reply.parts)],
        "request": _request(reply),
        "data_age_s": round((now - oldest).total_seconds()) if oldest else None,
        "old": list(reply.freshness.old) if reply.freshness else [],
    }


def _request(reply: Reply) -> object:
    """REQ-7 of an answer that tells of request/7, else what was asked about."""
    told = next((ref.split("/")[1] for ref in reply.follows if ref.startswith("request/")), "")
    return f"REQ-{told}" if told else reply.slots.get("request")


def _of(kind: type[_P], parts: Iterable[Part]) -> Iterator[_P]:
    return (part for part in parts if isinstance(part, kind))


def _table(table: Table) -> dict[str, Any]:
    """Cells are in the units of their column's type, unrounded; `total` may be more than the rows shown."""
    return {
        "title": table.title,
        "columns": [column.name for column in table.columns],
        "types": [column.type for column in table.columns],
        "rows": [list(row) for row in table.rows],
        "total": table.total,
    }


def _file(file: File, paths: Mapping[str, Path]) -> dict[str, Any]:
    path = paths.get(file.name)
    return {"name": file.name, "mime": file.mime, "bytes": len(file.content), "path": str(path) if path else None}
