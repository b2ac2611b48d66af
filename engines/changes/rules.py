"""What a change needs, as data: the first rule that fits decides, those of a project before those of everything.

What no rule names is forbidden. Of a change in several places the strictest need counts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from types import MappingProxyType
from typing import Any, Literal
from zoneinfo import ZoneInfo

from engines.policy import ROLES

Mode = Literal["at_once", "confirm", "approve", "forbid"]
MODES: tuple[Mode, ...] = ("at_once", "confirm", "approve", "forbid")
"""Each asks more than those before it."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

RISKS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("snapshot", "snapshot_run", "policy_assign", "policy_remove", "restore_cancel", "vm_start",
             "wave_advance", "schedule", "restore_drill"),
            "confirm",
        ),
        **dict.fromkeys(
            ("quota_set", "snapshot_delete", "restore", "restore_replace", "original_delete",
             "runbook_run", "vm_stop", "vm_reboot", "freeze", "freeze_end",
             "change_rules", "tenant_create", "create", "delete", "enable", "disable", "role_grant", "role_revoke"),
            "approve",
        ),
    }
)  # fmt: skip
"""Every kind of change with its risk: the intents that change clouds or rights, and what else needs a request."""

HOUSE = frozenset({"freeze", "freeze_end", "change_rules", "role_grant", "role_revoke"})
"""Changes of Stackhand itself: no freeze holds them up."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which nothing is changed: from `start` to `end` of these days in `zone`; over midnight when `end` is
    not after `start`, counted to the day on which they begin."""

    days: tuple[str, ...]
    start: str
    end: str
    zone: str = "UTC"

    def holds(self, now: datetime) -> bool:
        here = now.astimezone(ZoneInfo(self.zone))
        start, end, at = time.fromisoformat(self.start), time.fromisoformat(self.end), here.time()
        today, yesterday = DAYS[here.weekday()] in self.days, DAYS[here.weekday() - 1] in self.days
        if start < end:
            return today and start <= at < end
        return (today and at >= start) or (yesterday and at < end)

    @property
    def words(self) -> str:
        return f"{', '.join(self.days)} {self.start} to {self.end} {self.zone}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Empty conditions fit everything. `asker`: the least role of whoever asks; `by`: person or schedule.

    `project` and `domain` are ids or names. `approvers` other people with at least `approver_role` on all places of
    the change decide within `approve_minutes`; it begins within `run_minutes` after that. `daily_cap` counts what one
    person asks for of a kind in 24 hours. `second_factor`: no decision by chat. `break_glass`: the role with which
    the asker may decide alone, with a reason.
    """

    kinds: tuple[str, ...] = ("*",)
    mode: Mode = "forbid"
    risk: str = ""
    source: str = ""
    project: str = ""
    domain: str = ""
    asker: str = ""
    by: str = ""
    approvers: int = 1
    approver_role: str = "admin"
    approve_minutes: int = 60
    run_minutes: int = 15
    daily_cap: int | None = None
    quiet: Quiet | None = None
    second_factor: bool = False
    break_glass: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(data: Mapping[str, Any]) -> Rule:
    """The opposite of `to_json`."""
    quiet = data["quiet"]
    return Rule(
        **{
            **data,
            "kinds": tuple(data["kinds"]),
            "quiet": Quiet(**{**quiet, "days": tuple(quiet["days"])}) if quiet else None,
        }
    )


@dataclass(frozen=True, slots=True)
class Site:
    """A place that a change touches, and the roles that the asker holds there. All empty: the house itself."""

    source: str = ""
    project_id: str = ""
    project: str = ""
    domain_id: str = ""
    domain: str = ""
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Need:
    """What one change needs. `quiet` are all quiet hours that its rules know."""

    mode: Mode
    approvers: int = 0
    approver_role: str = ""
    approve_minutes: int = 60
    run_minutes: int = 15
    daily_cap: int | None = None
    quiet: tuple[Quiet, ...] = ()
    second_factor: bool = False
    break_glass: str = ""

    def is_quiet(self, now: datetime) -> Quiet | None:
        return next((one for one in self.quiet if one.holds(now)), None)


_TECHNICAL = ("restore", "snapshot_delete", "runbook_run", "vm_stop", "vm_reboot")
_ADMIN = ("quota_set", "tenant_create", "create", "delete", "enable", "disable")
_HOUSE = ("freeze_end", "change_rules")
_CONFIRMED = (*(kind for kind, risk in RISKS.items() if risk == "confirm"), "freeze", "role_grant", "role_revoke")

DEFAULTS: tuple[Rule, ...] = (
    Rule(kinds=("snapshot_run", "restore_drill"), by="schedule", mode="at_once"),
    Rule(kinds=_CONFIRMED, mode="confirm", approve_minutes=15),
    Rule(kinds=_TECHNICAL, mode="approve", approver_role="technical"),
    Rule(kinds=_ADMIN, mode="approve", approver_role="admin"),
    Rule(kinds=("restore_replace", "original_delete"), mode="approve", approver_role="superadmin"),
    Rule(kinds=_HOUSE, mode="approve", approver_role="admin", break_glass="superadmin"),
)
"""What holds where nothing else was put in force, and for what the rules in force do not name."""


def in_force(kept: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The rules as they are kept, then the defaults."""
    return (*map(from_json, kept), *DEFAULTS)


def needed(rules: Sequence[Rule], kind: str, sites: Collection[Site], *, by: str = "person") -> Need:
    """What this change needs of whoever asks: the strictest of what each of its places asks for."""
    needs = [_need(rules, kind, site, by) for site in sites or (Site(),)]
    if any(need.mode == "forbid" for need in needs):
        return Need("forbid")
    caps = [need.daily_cap for need in needs if need.daily_cap is not None]
    glass = [need.break_glass for need in needs]
    return Need(
        max((need.mode for need in needs), key=MODES.index),
        max(need.approvers for need in needs),
        max((need.approver_role for need in needs), key=_rank),
        min(need.approve_minutes for need in needs),
        min(need.run_minutes for need in needs),
        min(caps, default=None),
        tuple(dict.fromkeys(quiet for need in needs for quiet in need.quiet)),
        any(need.second_factor for need in needs),
        max(glass, key=_rank) if all(glass) else "",
    )


def _need(rules: Sequence[Rule], kind: str, site: Site, by: str) -> Need:
    fitting = [rule for rule in rules if _fits(rule, kind, site, by)]
    rule = min(fitting, key=_breadth, default=Rule())  # the first of the narrowest
    if rule.mode == "forbid":
        return Need("forbid")
    approving = rule.mode == "approve"
    return Need(
        rule.mode,
        rule.approvers if approving else 0,
        rule.approver_role if approving else "",
        rule.approve_minutes,
        rule.run_minutes,
        rule.daily_cap,
        (rule.quiet,) if rule.quiet else (),
        rule.second_factor,
        rule.break_glass,
    )


def _fits(rule: Rule, kind: str, site: Site, by: str) -> bool:
    if kind not in RISKS and kind not in rule.kinds:  # what nobody named is not meant by "*" either
        return False
    return (
        ("*" in rule.kinds or kind in rule.kinds)
        and rule.risk in ("", RISKS.get(kind, ""))
        and rule.source in ("", site.source)
        and (not rule.project or rule.project in (site.project_id, site.project))
        and (not rule.domain or rule.domain in (site.domain_id, site.domain))
        and rule.by in ("", by)
        and (not rule.asker or max(map(_rank, site.roles), default=-1) >= _rank(rule.asker))
    )


def _breadth(rule: Rule) -> int:
    return 0 if rule.project else 1 if rule.domain else 2 if rule.source else 3


def _rank(role: str) -> int:
    return ROLES.index(role) if role in ROLES else -1
