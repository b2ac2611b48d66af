"""Names of snapshots, and the keys that they are found by whatever became of the run that made them."""

import hashlib
import re
from datetime import datetime

LONGEST = 255
_LONGEST_PART = 40
_BLANK = re.compile(r"\s+")
_ODD = re.compile(r"[^A-Za-z0-9_.-]")


def cleaned(part: str, longest: int = _LONGEST_PART) -> str:
    return _ODD.sub("-", _BLANK.sub("_", part.strip()))[:longest]


def snapshot_name(policy: str, vm: str, volume: str, at: datetime) -> str:
    """`auto-daily_5-web-01-web-data-20261124-020000`: policy, VM where there is one, volume, time in UTC."""
    parts = ["auto", cleaned(policy, 64) or "now", cleaned(vm), cleaned(volume) or "volume"]
    return "-".join([part for part in parts if part] + [f"{at:%Y%m%d-%H%M%S}"])[:LONGEST]


def record_key(run: str, source: str, volume_id: str, policy: str) -> str:
    """The same for the same effect, at every attempt; short enough for metadata, and no secret."""
    told = "\x1f".join((run, source, volume_id, policy))
    return f"sh-{hashlib.sha256(told.encode()).hexdigest()[:40]}"


def tick_run(policy: str, tick: datetime) -> str:
    return f"{policy}@{tick:%Y-%m-%dT%H:%M:%SZ}"


def job_run(job_id: int) -> str:
    return f"JOB-{job_id}"
