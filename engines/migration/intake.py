"""A file that was sent becomes a project's rows: read, graded, compared with what was there. Blocks."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path, PurePath
from typing import Any

from engines.migration import keeping
from engines.migration.assessment import Assessment, assess
from engines.migration.comparing import compare
from engines.migration.estate import Estate
from engines.migration.projects import Decisions, revive, settings_for, tenants_of
from engines.migration.reading.limits import sent_limits
from engines.migration.reading.reader import read_bytes, read_export
from engines.migration.tenants import Tenants

_NOISE = re.compile(
    r"rv[ _-]?tools|export(?:ed)?|(?<![a-z0-9])(?:all|tabs?|tab[a-z]+|anonymi[sz]ed|copy|final|new|latest|xlsx|v\d+)"
    r"(?![a-z0-9])|\d{4}[-_.]?\d{2}[-_.]?\d{2}(?:[-_. T]?\d{2}[-_.:]?\d{2}(?:[-_.:]?\d{2})?)?|\(\d+\)",
    re.IGNORECASE,
)
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Read:
    """An export as it was read, with the lines out of which it is made again; the last is not of a VM."""

    estate: Estate
    lines: Sequence[str]
    digest: str

    @property
    def made_at(self) -> datetime | None:
        return max((one.created for one in self.estate.metadata if one.created), default=None)

    @property
    def version(self) -> str:
        return next((one.version for one in self.estate.metadata if one.version), "")


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of the project before: its lines, and how it is set up."""

    lines: Sequence[str]
    platform: str
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Graded:
    """What is to be kept. `difference` is None for the first export of a project; `news` says it in a few words, and is
    "" where nothing has changed."""

    assessment: Assessment
    tenants: Tenants
    lines: Sequence[str]
    settings: dict[str, Any]
    summary: dict[str, Any]
    names: Sequence[tuple[str, str, int, str]]
    difference: dict[str, Any] | None
    news: str = ""

    def rows(self) -> Iterator[tuple[Any, ...]]:
        return keeping.vm_rows(self.assessment, self.tenants, self.lines)


def read(content: bytes | Path, name: str, progress: Callable[[str, int], None]) -> Read:
    """Raises WorkbookRefused, and RuntimeError when reading failed for no reason of the file's."""
    lines: list[str] = []
    if isinstance(content, bytes):
        estate = read_bytes(content, name, sent_limits(len(content)), progress, lines.append)
        return Read(estate, lines, sha256(content).hexdigest())
    with content.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    estate = read_export(content, sent_limits(content.stat().st_size), progress, name, lines.append)
    return Read(estate, lines, digest)


def grade(found: Read, decisions: Decisions, before: Before | None, now: datetime) -> Graded:
    """The whole assessment; what people decided counts, whichever export they decided it on."""
    assessment = assess(found.estate, decisions.overrides)
    tenants = tenants_of(assessment)
    settings = before.settings if before else settings_for(found.made_at, now)
    difference, news = None, ""
    if before is not None:
        changes = compare(revive(before.lines, before.platform, decisions.overrides), assessment)
        difference = keeping.difference_kept(changes)
        news = "" if changes.is_none else keeping.news(difference)
    return Graded(
        assessment, tenants, found.lines, settings, keeping.summary(assessment),
        keeping.names(assessment, tenants), difference, news,
    )  # fmt: skip


def project_name(file: str, estate: Estate) -> str:
    """`dc1` of RVTools_export_dc1_2026-11-02.xlsx; else the only datacenter, else the vCenter's first label."""
    stem = _NOISE.sub(" ", PurePath(file).stem)
    name = re.sub(r"[^\w]+|_", "-", stem).strip("-").lower()
    if len(name) < 2 or name.isdigit():
        centers = sorted({vm.datacenter for vm in estate.vms if vm.datacenter})
        servers = [server.partition(".")[0] for server in estate.servers]
        told = centers[0] if len(centers) == 1 else (servers[0] if servers else "migration")
        name = re.sub(r"[^\w]+|_", "-", told).strip("-").lower()
    return name[:_LONGEST_NAME].strip("-") or "migration"
