"""Moments and windows of time, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Span:
    """A time that was said: tokens [start:end]. `since` or `until` is None where that side is open."""

    start: int
    end: int
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Moment:
    """[since, until), and the token behind it. `open` marks one that still runs ("this month")."""

    since: datetime
    until: datetime
    end: int
    open: bool = False


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def merge(spans: Sequence[Span]) -> tuple[datetime | None, datetime | None]:
    """One window out of all that was said: "since monday … until friday"."""
    since = next((span.since for span in spans if span.since), None)
    until = next((span.until for span in reversed(spans) if span.until), None)
    return since, until
