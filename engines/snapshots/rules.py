"""Rules that put volumes under policies: read from YAML, kept as JSON. What cannot be read is an error with its key."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from engines.snapshots.policies import MOST_COPIES, Policies

_MOST_RULES = 1000


class RuleError(ValueError):
    """A rule that cannot be used: `key` is where it stands (`rules[2].match.typ`), `what` is wrong."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"{key}: {what}")
        self.key = key
        self.what = what


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at: a volume with where it is and what it is attached to."""

    source: str
    id: str
    name: str
    size_gib: int
    volume_type: str = ""
    project: str = ""
    project_id: str = ""
    domain: str = ""
    bootable: bool = False
    vm_ids: tuple[str, ...] = ()
    vms: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """All that is given must hold; a list is any of. Names compare without regard to case, a glob knows * and ?."""

    source: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    name_prefix: tuple[str, ...] = ()
    name_contains: tuple[str, ...] = ()
    name_glob: tuple[str, ...] = ()
    vm: tuple[str, ...] = ()  # globs
    tags: tuple[str, ...] = ()
    min_size_gib: int | None = None
    max_size_gib: int | None = None
    bootable: bool | None = None
    attached: bool | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def fits(self, volume: Facts) -> bool:
        name = volume.name.lower()
        return (
            _any(self.source, lambda one: one == volume.source.lower())
            and _any(self.domain, lambda one: one == volume.domain.lower())
            and _any(self.project, lambda one: one in (volume.project.lower(), volume.project_id.lower()))
            and _any(self.type, lambda one: one == volume.volume_type.lower())
            and _any(self.name_prefix, name.startswith)
            and _any(self.name_contains, lambda one: one in name)
            and _any(self.name_glob, lambda one: fnmatchcase(name, one))
            and _any(self.vm, lambda one: any(fnmatchcase(vm.lower(), one) for vm in volume.vms))
            and _any(self.tags, lambda one: one in {tag.lower() for tag in volume.tags})
            and (self.min_size_gib is None or volume.size_gib >= self.min_size_gib)
            and (self.max_size_gib is None or volume.size_gib <= self.max_size_gib)
            and (self.bootable is None or volume.bootable == self.bootable)
            and (self.attached is None or bool(volume.vm_ids) == self.attached)
            and all(str(volume.metadata.get(key, "")) == value for key, value in self.metadata.items())
        )


def _any(wanted: Sequence[str], holds: Any) -> bool:
    return not wanted or any(holds(one.lower()) for one in wanted)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule allows policies or denies them; one that denies without naming any denies all. Of those that fit, the
    lowest `priority` tells the retention and is named as the reason; none overrides one that denies."""

    name: str
    match: Match
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    deny_all: bool = False
    priority: int = 1000
    retention: Mapping[str, int] = field(default_factory=dict)

    @property
    def denies(self) -> bool:
        return self.deny_all or bool(self.deny)


def to_json(rule: Rule) -> dict[str, Any]:
    return asdict(rule)


def from_json(data: Mapping[str, Any]) -> Rule:
    """The opposite of `to_json`; raises KeyError or TypeError on what it never wrote."""
    told: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data["match"].items()
    }
    lists = {key: tuple(data[key]) for key in ("allow", "deny")}
    return Rule(**{**data, **lists, "match": Match(**told)})


def read_rules(data: object, policies: Policies) -> tuple[Rule, ...]:
    """Rules out of the `rules` of a YAML file. Raises RuleError at the first thing that is wrong."""
    if not isinstance(data, list) or len(data) > _MOST_RULES:
        raise RuleError("rules", f"must be a list of at most {_MOST_RULES} rules")
    rules = tuple(_rule(one, f"rules[{at}]", policies) for at, one in enumerate(data, 1))
    seen: set[str] = set()
    for at, rule in enumerate(rules, 1):
        if rule.name in seen:
            raise RuleError(f"rules[{at}].name", f"there are two rules called {rule.name!r}")
        seen.add(rule.name)
    return rules


def _rule(data: object, at: str, policies: Policies) -> Rule:
    told = _mapping(data, at, {"name", "match", "allow", "deny", "priority", "retention"})
    name = told.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > 100:
        raise RuleError(f"{at}.name", "is missing, or no name of up to 100 characters")
    deny = told.get("deny", [])
    allow = _policies(told.get("allow", []), f"{at}.allow", policies)
    denied = () if isinstance(deny, bool) else _policies(deny, f"{at}.deny", policies)
    if bool(allow) == bool(deny):
        raise RuleError(at, "must have either allow with policies, or deny (true, or policies)")
    retention = _retention(told.get("retention", {}), f"{at}.retention", allow)
    priority = _whole(told.get("priority", 1000), f"{at}.priority", 0, 10_000)
    match = _match(told.get("match"), f"{at}.match")
    return Rule(name.strip(), match, allow, denied, deny is True, priority, retention)


def _mapping(data: object, at: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise RuleError(at, "must be a mapping of keys to values")
    for key in data:
        if key not in known:
            raise RuleError(f"{at}.{key}", f"is no key that I know; known are {', '.join(sorted(known))}")
    return data


def _policies(data: object, at: str, policies: Policies) -> tuple[str, ...]:
    names = _texts(data, at)
    for name in names:
        if policies.get(name) is None:
            raise RuleError(at, f"{name!r} is no policy; daily_5 is one, and what `policies` of the file declare")
    return names


def _retention(data: object, at: str, allowed: Sequence[str]) -> dict[str, int]:
    if not isinstance(data, dict):
        raise RuleError(at, "must be a mapping of policies to numbers")
    for key in data:
        if key not in allowed:
            raise RuleError(f"{at}.{key}", "is not among the policies that the rule allows")
    return {str(key): _whole(value, f"{at}.{key}", 1, MOST_COPIES) for key, value in data.items()}


def _whole(value: object, at: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise RuleError(at, f"must be a whole number from {least:,} to {most:,}")
    return value


def _texts(value: object, at: str) -> tuple[str, ...]:
    many = [value] if isinstance(value, str) else value
    if not isinstance(many, list) or not all(isinstance(one, str) and one.strip() for one in many):
        raise RuleError(at, "must be a text or a list of texts")
    return tuple(str(one).strip() for one in many)


def _match(data: object, at: str) -> Match:
    """An empty mapping matches every volume; a missing one is an error, because that is seldom meant."""
    if data is None:
        raise RuleError(at, "is missing; {} matches every volume")
    told = _mapping(data, at, {one.name for one in fields(Match)})
    read: dict[str, Any] = {}
    for key, value in told.items():
        here = f"{at}.{key}"
        if key in ("min_size_gib", "max_size_gib"):
            read[key] = _whole(value, here, 0, 10_000_000)
        elif key in ("bootable", "attached"):
            if not isinstance(value, bool):
                raise RuleError(here, "must be true or false")
            read[key] = value
        elif key == "metadata":
            if not isinstance(value, dict):
                raise RuleError(here, "must be a mapping of keys to values")
            read[key] = {str(k): str(v) for k, v in value.items()}
        else:
            read[key] = _texts(value, here)
    return Match(**read)
