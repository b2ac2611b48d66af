"""What volumes and snapshots say of themselves in their metadata: the reference product's keys, and our own.

Cinder takes keys of 1 to 255 letters, digits, `-_:.` and blanks, and values of up to 255 characters. A value that
cannot be read is a problem that is told; it is never guessed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from engines.snapshots.policies import MOST_COPIES, is_name

PREFIX = "stackhand_"
KEY, POLICY, RUN, GROUP, BY = (PREFIX + name for name in ("key", "policy", "run", "group", "by"))
OWN_POLICIES, OWN_RETENTION, OPT_OUT, MARK = (
    PREFIX + name for name in ("policies", "retention_", "opt_out", "version")
)
VERSION = "1"
LONGEST = 255
PAUSE = PREFIX + "pause"
_OTHER_PREFIX = "stackhand:"
_ON, _OFF = frozenset({"true", "yes", "1", "on"}), frozenset({"false", "no", "0", "off"})
REFERENCE = "p9_auto_snapshots"
OURS = "stackhand"


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that cannot be read."""

    key: str
    value: str
    why: str

    def __str__(self) -> str:
        return f"{self.key} is {self.value[:40]!r}: {self.why}"


@dataclass(frozen=True, slots=True)
class Said:
    """What a volume says. `off`: its owner wants no snapshots, whoever else does. `own` are policies under our key,
    `others` under the reference product's. `retention` is by policy; `every` for all others."""

    off: bool = False
    own: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    retention: Mapping[str, int] = field(default_factory=dict)
    every: int | None = None
    sla_days: int | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def policies(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.own, *self.others)))

    def keeps(self, policy: str) -> int | None:
        return self.retention.get(policy, self.every)


def flag(value: str) -> bool | None:
    """None for what is neither."""
    folded = value.strip().lower()
    return True if folded in _ON else False if folded in _OFF else None


def read_volume(metadata: Mapping[str, object]) -> Said:
    """What the metadata of a volume say; whatever they hold, this raises nothing."""
    said = _normal(metadata)
    problems: list[Problem] = []
    off = _flag(said, OPT_OUT, problems) is True
    switch = _flag(said, "auto_snapshot", problems)
    others = _names(said, "snapshot_policies", problems) or _names(said, "snapshot_policy", problems)
    if others and switch is None and "auto_snapshot" not in said:
        problems.append(Problem("snapshot_policies", ",".join(others), "auto_snapshot is not set, so none is taken"))
    retention = _retentions(said, problems)
    return Said(
        off or switch is False,
        _names(said, OWN_POLICIES, problems),
        others if switch else (),
        MappingProxyType(retention),
        _number(said, "retention", problems, MOST_COPIES),
        _number(said, "sla_days", problems, 3650),
        tuple(problems),
    )


def _normal(metadata: Mapping[str, object]) -> dict[str, str]:
    """Texts only, our other spelling as our first."""
    texts = {str(key): str(value) for key, value in metadata.items()}
    ours = {PREFIX + key.removeprefix(_OTHER_PREFIX): v for key, v in texts.items() if key.startswith(_OTHER_PREFIX)}
    return ours | texts


def _flag(said: Mapping[str, str], key: str, problems: list[Problem]) -> bool | None:
    if key not in said:
        return None
    found = flag(said[key])
    if found is None:
        problems.append(Problem(key, said[key], "neither true nor false"))
    return found


def _names(said: Mapping[str, str], key: str, problems: list[Problem]) -> tuple[str, ...]:
    names = [name.strip() for name in said.get(key, "").split(",") if name.strip()]
    for name in names:
        if not is_name(name):
            problems.append(Problem(key, name, "not the name of a policy"))
    return tuple(dict.fromkeys(name for name in names if is_name(name)))


def _number(said: Mapping[str, str], key: str, problems: list[Problem], most: int) -> int | None:
    value = said.get(key)
    if value is None:
        return None
    digits = value.strip()
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 9 else 0
    if 1 <= number <= most:
        return number
    problems.append(Problem(key, value, f"not a number from 1 to {most}"))
    return None


def _retentions(said: Mapping[str, str], problems: list[Problem]) -> dict[str, int]:
    """By policy; of two spellings our own counts before theirs, and theirs before their older one."""
    found: dict[str, int] = {}
    for prefix in (OWN_RETENTION, "retention_", "snapshot_retention_"):
        for key in said:
            policy = key.removeprefix(prefix)
            if key.startswith(prefix) and policy and policy not in found:
                number = _number(said, key, problems, MOST_COPIES)
                if number is not None:
                    found[policy] = number
    return found


@dataclass(frozen=True, slots=True)
class Made:
    """What a snapshot says of who made it. `automatic`: by a run of ours or of the reference product, for `policy`."""

    automatic: bool = False
    policy: str = ""
    key: str = ""
    ours: bool = False


def read_snapshot(metadata: Mapping[str, object]) -> Made:
    said = _normal(metadata)
    if said.get(KEY):
        policy = said.get(POLICY, "")
        return Made(bool(policy), policy, said[KEY], ours=True)
    if said.get("created_by") == REFERENCE:
        return Made(bool(said.get("policy")), said.get("policy", ""))
    return Made()


def for_snapshot(
    *, key: str, policy: str, run: str, volume_id: str, project_id: str, group: str = "", by: str = ""
) -> dict[str, str]:
    """The metadata of a snapshot of ours; an empty policy is none that retention would count."""
    told = {
        "created_by": OURS, KEY: key, POLICY: policy, RUN: run, GROUP: group, BY: by,
        "original_volume_id": volume_id, "original_project_id": project_id,
    }  # fmt: skip
    return {name: value[:LONGEST] for name, value in told.items() if value}


def with_policy(metadata: Mapping[str, str], policy: str, retention: int | None) -> dict[str, str]:
    """What to write on a volume so that it is under the policy. Raises ValueError when Cinder would not take it."""
    own = read_volume(metadata).own
    names = ",".join(dict.fromkeys((*own, policy)))
    if len(names) > LONGEST:
        raise ValueError(f"the volume would be under {len(own) + 1} policies, whose names are longer than {LONGEST}")
    kept = {OWN_RETENTION + policy: str(retention)} if retention else {}
    return {OWN_POLICIES: names, MARK: VERSION, **kept}


def without_policy(metadata: Mapping[str, str], policy: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """What to write on a volume, and which keys to remove, so that nothing in its metadata puts it under the policy."""
    values: dict[str, str] = {}
    gone = [prefix + policy for prefix in (OWN_RETENTION, "retention_", "snapshot_retention_")]
    for key in (OWN_POLICIES, _OTHER_PREFIX + "policies", "snapshot_policies", "snapshot_policy"):
        held = [name.strip() for name in metadata.get(key, "").split(",") if name.strip()]
        if policy in held:
            left = [name for name in held if name != policy]
            if left:
                values[key] = ",".join(left)
            else:
                gone.append(key)
    return values, tuple(key for key in gone if key in metadata)


def names_used(all_metadata: Iterable[Mapping[str, object]]) -> frozenset[str]:
    """The policies that any of these volumes name."""
    return frozenset(name for one in all_metadata for name in read_volume(one).policies)
