"""What a restore takes of a project's quota, before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engines.inventory.quotas import TITLES, usages
from engines.plans import Check
from storage.inventory import Found

UNITS: Mapping[str, tuple[str, int]] = {"memory_mib": ("GiB", 1024), "storage_gib": ("GiB", 1)}


@dataclass(frozen=True, slots=True)
class Need:
    """One metric: `used` None: the cloud does not say; `limit` None: there is none."""

    metric: str
    more: int
    used: int | None
    limit: int | None

    @property
    def fits(self) -> bool:
        """What is unknown is not in the way here: the cloud is asked again right before the run."""
        return self.limit is None or self.used is None or self.used + self.more <= self.limit

    @property
    def words(self) -> str:
        unit, by = UNITS.get(self.metric, ("", 1))
        after = "?" if self.used is None else _amount(self.used + self.more, by)
        limit = "no limit" if self.limit is None else _amount(self.limit, by)
        before = "?" if self.used is None else _amount(self.used, by)
        return f"{TITLES.get(self.metric, self.metric)} {before} → {after} of {limit}{' ' + unit if unit else ''}"


def _amount(value: int, by: int) -> str:
    return f"{value // by:,}" if value % by == 0 else f"{value / by:,.1f}"


def needs_of(more: Mapping[str, int], quota: Found | None) -> tuple[Need, ...]:
    """`more` by the inventory's metrics; without a quota on record nothing is known."""
    known = {one.metric: one for one in usages(quota)} if quota is not None else {}
    wanted = [(metric, amount, known.get(metric)) for metric, amount in more.items() if amount > 0]
    return tuple(
        Need(metric, amount, one.used if one else None, one.limit if one else None) for metric, amount, one in wanted
    )


def check_of(needs: Sequence[Need], quota: Found | None) -> Check:
    if quota is None:
        return Check("quota", True, "not on record: the cloud is asked right before the run")
    short = [need for need in needs if not need.fits]
    if short:
        return Check("quota", False, "not enough: " + "; ".join(need.words for need in short))
    return Check("quota", True, "; ".join(need.words for need in needs))
