"""How long one VM takes, warm and cold, as if it were moved alone: for its own page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.migration_pages import Whole

_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class VmTimes:
    """In words. `down` is how long the VM is away."""

    rate: str
    bottleneck: str
    warm: tuple[tuple[str, str], ...]
    cold: tuple[tuple[str, str], ...]
    down: str
    converges: bool


def vm_times(one: Whole, kept: Mapping[str, Any]) -> VmTimes | None:
    """`kept` are the settings of the migration; None where they make no sense any more."""
    from engines.migration.keeping import JobRow, jobs_from
    from engines.migration.projects import settings_from
    from engines.migration.times import times_of

    (job,) = jobs_from([JobRow((one.row.server, one.row.vm_key), one.row.name, one.row.mode, one.job)], {})
    try:
        settings = settings_from(kept)
    except (ValueError, KeyError, TypeError):
        return None
    times = times_of(job, settings.transfer, settings.pace)
    rounds = f"{times.rounds} round{'s' if times.rounds != 1 else ''} of increments"
    increments = ((rounds, span(times.increments_s)),) if times.rounds else ()
    warm = (
        ("first copy, while it runs", span(times.first_copy_s)),
        *increments,
        ("cutover", span(times.cutover_s)),
    )
    cold = (("copy and start, switched off", span(times.cold_s)),)
    rate = f"{times.rate_mib_s:,.0f} MiB/s"
    return VmTimes(rate, times.bottleneck, warm, cold, span(times.downtime_s), times.converges)


def span(seconds: float) -> str:
    """ "2 h 10 min", "35 min", "40 s"."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    hours, minutes = divmod(round(seconds / _MINUTE), 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"
