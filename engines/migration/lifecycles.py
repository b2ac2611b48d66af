"""The life of a wave: planned, confirmed, running, complete, or set aside; and what stands in the way of each move.

Pure: nothing is read or written. Chat, page and webhook call the same `advance`, so that they end in the same state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, get_args

from engines.migration.records import Key

WaveState = Literal["planned", "confirmed", "running", "complete", "failed", "held", "cancelled"]
Move = Literal["confirm", "start", "complete", "fail", "cancel", "hold", "reopen"]
ItemState = Literal["pending", "pass", "fail", "skipped"]
Weight = Literal["blocker", "warning", "info"]
VmState = Literal["pending", "copying", "cut_over", "failed", "skipped"]
VM_STATES: tuple[VmState, ...] = get_args(VmState)

_MOVES: Mapping[tuple[WaveState, Move], WaveState] = {
    ("planned", "confirm"): "confirmed",
    ("planned", "cancel"): "cancelled",
    ("planned", "hold"): "held",
    ("confirmed", "start"): "running",
    ("confirmed", "reopen"): "planned",
    ("confirmed", "cancel"): "cancelled",
    ("confirmed", "hold"): "held",
    ("running", "complete"): "complete",
    ("running", "fail"): "failed",
    ("failed", "reopen"): "planned",
    ("failed", "cancel"): "cancelled",
    ("held", "reopen"): "planned",
    ("held", "cancel"): "cancelled",
    ("cancelled", "reopen"): "planned",
}
MOVES: tuple[Move, ...] = get_args(Move)
ASIDE = ("held", "cancelled")
"""Waves that the others do not wait for, but for those that need a VM of theirs."""
_BEHIND = ("complete", *ASIDE)
ENDS: Mapping[Move, WaveState] = {
    "confirm": "confirmed", "start": "running", "complete": "complete", "fail": "failed", "cancel": "cancelled",
    "hold": "held", "reopen": "planned",
}  # fmt: skip
_VM_MOVES: Mapping[VmState, frozenset[VmState]] = {
    "pending": frozenset({"copying", "cut_over", "failed", "skipped"}),
    "copying": frozenset({"cut_over", "failed"}),
    "failed": frozenset({"copying", "cut_over", "skipped"}),
    "cut_over": frozenset({"failed"}),  # it was taken back
    "skipped": frozenset(),
}  # "pending" to "cut_over": a person tells of it when it is over, without having told that it began


class MoveRefused(ValueError):  # noqa: N818 - an answer to whoever asked for it
    """`what` and `fix` are one line each."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what, self.fix = what, fix


@dataclass(frozen=True, slots=True)
class ItemSpec:
    """`before` is the move that it guards."""

    id: str
    title: str
    weight: Weight
    before: Move


PREFLIGHT: tuple[ItemSpec, ...] = (
    ItemSpec("vms_assessed", "all VMs are assessed, and none is blocked", "warning", "confirm"),
    ItemSpec("target_project_set", "every tenant has a confirmed project", "blocker", "confirm"),
    ItemSpec("network_mapped", "all networks are mapped and confirmed", "blocker", "confirm"),
    ItemSpec("no_critical_gaps", "no critical gap is open", "blocker", "confirm"),
    ItemSpec("quota_sufficient", "the quotas hold the VMs", "blocker", "start"),
    ItemSpec("agent_reachable", "the migration agents answer", "blocker", "start"),
    ItemSpec("owners_told", "the owners know of the downtime", "warning", "start"),
    ItemSpec("snapshot_baseline", "there are backups to go back to", "info", "start"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """`by` a person, or "" where the plan computed it. `skipped` needs a reason."""

    state: ItemState = "pending"
    by: str = ""
    at: datetime | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """One wave. `items` by the id of an ItemSpec, those missing are pending; `vms` has a state of each of its VMs."""

    wave: int
    name: str
    state: WaveState = "planned"
    items: Mapping[str, Item] = field(default_factory=dict)
    vms: Mapping[Key, VmState] = field(default_factory=dict)
    after: tuple[int, ...] = ()
    changed_by: str = ""
    changed_at: datetime | None = None

    def item(self, id_: str) -> Item:
        return self.items.get(id_, Item())

    def blocking(self, move: Move) -> tuple[ItemSpec, ...]:
        """Blockers before the move that have not passed: one that is pending blocks like one that failed."""
        return tuple(
            spec for spec in PREFLIGHT
            if spec.weight == "blocker" and self.item(spec.id).state not in ("pass", "skipped")
            and (spec.before == move or (move == "start" and spec.before == "confirm"))
        )  # fmt: skip

    def warnings(self, move: Move) -> tuple[ItemSpec, ...]:
        """To be told of before the move; they stop nobody."""
        return tuple(
            spec for spec in PREFLIGHT
            if spec.weight == "warning" and spec.before == move
            and self.item(spec.id).state not in ("pass", "skipped")
        )  # fmt: skip


def advance(
    progress: Progress, move: Move, by: str, at: datetime, others: Mapping[int, Progress] | None = None
) -> Progress:
    """The wave after the move; the very same when it is there already, so that what is said twice does no harm.

    `others` are the waves of the plan by number. Raises MoveRefused with what stands in the way.
    """
    if move not in ENDS:
        raise MoveRefused(f"a wave cannot be moved by {move!r}", f"say {', '.join(ENDS)}")
    if progress.state == ENDS[move]:
        return progress
    following = _MOVES.get((progress.state, move))
    if following is None:
        ways = [known for (state, known) in _MOVES if state == progress.state]
        fix = f"it can be moved on by {', '.join(ways)}" if ways else "nothing more happens to it"
        raise MoveRefused(f"{progress.name} is {progress.state}: it cannot {move}", fix)
    _guard(progress, move, others or {})
    items: Mapping[str, Item] = progress.items if move != "reopen" else {}
    vms = progress.vms if move != "complete" else {key: _over(state) for key, state in progress.vms.items()}
    return replace(progress, state=following, items=items, vms=vms, changed_by=by, changed_at=at)


def _over(state: VmState) -> VmState:
    """Whoever says that a wave is complete says it of the VMs that nobody has told anything of."""
    return "cut_over" if state == "pending" else state


def _guard(progress: Progress, move: Move, others: Mapping[int, Progress]) -> None:
    if move in ("confirm", "start") and (blocking := progress.blocking(move)):
        named = ", ".join(f"{spec.title} ({progress.item(spec.id).state})" for spec in blocking)
        raise MoveRefused(f"{progress.name} cannot {move}: {named}", "see to it and tick it, or skip it with a reason")
    if move == "start":
        open_ones = [number for number in progress.after if number not in others or others[number].state != "complete"]
        if open_ones:
            named = ", ".join(others[n].name if n in others else f"wave {n}" for n in open_ones)
            raise MoveRefused(f"{progress.name} needs VMs of {named}", "let that be complete first")
        if running := [one.name for n, one in others.items() if one.state == "running" and n != progress.wave]:
            raise MoveRefused(f"{', '.join(running)} is running", "start the next when it is complete")
        earlier = [one for n, one in sorted(others.items()) if n < progress.wave and one.state not in _BEHIND]
        if earlier:
            named = ", ".join(f"{one.name} ({one.state})" for one in earlier[:3])
            fix = "let that be complete first, or build the waves anew without what holds it up"
            raise MoveRefused(f"{progress.name} comes after {named}", fix)
    if move == "complete" and (left := sum(state == "copying" for state in progress.vms.values())):
        are = "is" if left == 1 else "are"
        fix = "wait, then say of each: mark NAME as cut over, or as failed"
        raise MoveRefused(f"{left:,} VM{'s' if left != 1 else ''} of {progress.name} {are} being copied", fix)


def tick(
    progress: Progress, item: str, state: ItemState, by: str, at: datetime, reason: str = "", second: str = ""
) -> Progress:
    """An item as a person or the plan says it is. A blocker is skipped by two people, with a reason.

    Raises MoveRefused for an item that there is not, and when the wave has begun or is over.
    """
    spec = next((one for one in PREFLIGHT if one.id == item), None)
    if spec is None:
        known = ", ".join(one.id for one in PREFLIGHT)
        raise MoveRefused(f"there is no preflight item {item!r}", f"the items are {known}")
    if progress.state not in ("planned", "confirmed"):
        raise MoveRefused(f"{progress.name} is {progress.state}: its preflight is over", "look at the wave instead")
    if state == "skipped" and spec.weight == "blocker":
        if not reason.strip():
            raise MoveRefused(f"{spec.title}: a blocker is not skipped without a reason", "say why")
        if not second or second == by:
            raise MoveRefused(f"{spec.title}: a blocker is skipped by two people", "let another person agree")
    who = f"{by} and {second}" if second and second != by else by
    found = {**progress.items, item: Item(state, who, at, reason.strip())}
    undone = progress.state == "confirmed" and spec.before == "confirm" and spec.weight == "blocker"
    wave_state: WaveState = "planned" if undone and state in ("fail", "pending") else progress.state
    return replace(progress, state=wave_state, items=found, changed_by=by, changed_at=at)


def vm_moves(progress: Progress, key: Key, state: VmState, by: str, at: datetime, name: str = "") -> Progress:
    """What an agent or a person reports of a VM; the same twice changes nothing. `name` is for what is said of it."""
    said = name or key[1]
    now = progress.vms.get(key)
    if now is None:
        raise MoveRefused(f"{said} is not in {progress.name}", "rebuild the waves, or report it to its own wave")
    if now == state:
        return progress
    is_late = progress.state == "complete" and state == "failed"
    if progress.state != "running" and state != "skipped" and not is_late:
        fix = "its waves can be built anew" if progress.state == "complete" else "start the wave first"
        raise MoveRefused(f"{progress.name} is {progress.state}: none of its VMs moves", fix)
    if state not in _VM_MOVES[now]:
        ways = ", ".join(one.replace("_", " ") for one in VM_STATES if one in _VM_MOVES[now])
        fix = f"it can become {ways}" if ways else "nothing more happens to it"
        raise MoveRefused(f"{said} is {now.replace('_', ' ')}: it cannot become {state.replace('_', ' ')}", fix)
    return replace(progress, vms={**progress.vms, key: state}, changed_by=by, changed_at=at)
