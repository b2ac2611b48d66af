"""The life of a wave: only guarded moves, the same twice does no harm, blockers block, two people skip one."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from engines.migration.lifecycles import (
    PREFLIGHT,
    Item,
    MoveRefused,
    Progress,
    advance,
    tick,
    vm_moves,
)

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
ALL = {spec.id: Item("pass") for spec in PREFLIGHT}
VM = ("vc1", "vm-1")
STATES = ("planned", "confirmed", "running", "complete", "failed", "held", "cancelled")
MOVES = ("confirm", "start", "complete", "fail", "cancel", "hold", "reopen")
MAY = {
    ("planned", "confirm"), ("planned", "cancel"), ("confirmed", "start"), ("confirmed", "reopen"),
    ("confirmed", "cancel"), ("running", "complete"), ("running", "fail"), ("failed", "reopen"), ("failed", "cancel"),
    ("cancelled", "reopen"), ("planned", "hold"), ("confirmed", "hold"), ("held", "reopen"), ("held", "cancel"),
}  # fmt: skip
ENDS = dict(zip(MOVES, ("confirmed", "running", "complete", "failed", "cancelled", "held", "planned"), strict=True))


def wave(**more: Any) -> Progress:
    return Progress(2, "Wave 2", **{"items": ALL, **more})


@pytest.mark.parametrize(("state", "move"), list(product(STATES, MOVES)))
def test_the_table_of_moves(state: Any, move: Any) -> None:
    before = wave(state=state)
    if state == ENDS[move]:
        assert advance(before, move, "ann", NOW) is before
    elif (state, move) in MAY:
        after = advance(before, move, "ann", NOW)
        assert (after.state, after.changed_by, after.changed_at) == (ENDS[move], "ann", NOW)
    else:
        with pytest.raises(MoveRefused, match=f"Wave 2 is {state}"):
            advance(before, move, "ann", NOW)


def test_a_move_that_there_is_not() -> None:
    with pytest.raises(MoveRefused, match="cannot be moved by 'explode'"):
        advance(wave(), "explode", "ann", NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", [one for one in PREFLIGHT if one.weight == "blocker"], ids=lambda one: one.id)
@pytest.mark.parametrize("state", ["pending", "fail", None])
def test_a_blocker_that_has_not_passed_blocks(spec: Any, state: Any) -> None:
    """A pending one as much as a failed one, and one that nobody has looked at."""
    items = {**ALL, spec.id: Item(state)} if state else {k: v for k, v in ALL.items() if k != spec.id}
    before = wave(items=items, state="planned" if spec.before == "confirm" else "confirmed")
    with pytest.raises(MoveRefused, match=f"cannot {spec.before}") as refused:
        advance(before, spec.before, "ann", NOW)
    assert spec.title in refused.value.what and refused.value.fix
    with pytest.raises(MoveRefused):
        advance(wave(items=items, state="confirmed"), "start", "ann", NOW)


def test_warnings_are_told_and_stop_nobody() -> None:
    before = wave(items={k: v for k, v in ALL.items() if k not in ("vms_assessed", "owners_told")})
    assert [one.id for one in before.warnings("confirm")] == ["vms_assessed"]
    assert advance(before, "confirm", "ann", NOW).state == "confirmed"


def test_a_wave_starts_behind_those_that_it_needs_and_alone() -> None:
    ready = wave(state="confirmed", after=(1,))
    first = Progress(1, "Pilot", "running")
    with pytest.raises(MoveRefused, match="needs VMs of Pilot"):
        advance(ready, "start", "ann", NOW, {1: first})
    with pytest.raises(MoveRefused, match="needs VMs of wave 1"):
        advance(ready, "start", "ann", NOW)
    with pytest.raises(MoveRefused, match="Wave 3 is running"):
        advance(ready, "start", "ann", NOW, {1: replace(first, state="complete"), 3: Progress(3, "Wave 3", "running")})
    assert advance(ready, "start", "ann", NOW, {1: replace(first, state="complete")}).state == "running"


def test_waves_start_in_their_order() -> None:
    ready = wave(state="confirmed")
    for state in ("planned", "confirmed", "failed"):
        with pytest.raises(MoveRefused, match=rf"Wave 2 comes after Pilot \({state}\)"):
            advance(ready, "start", "ann", NOW, {1: Progress(1, "Pilot", state)})
    for over in ("complete", "cancelled"):
        others = {1: Progress(1, "Pilot", over), 3: Progress(3, "Wave 3", "planned")}
        assert advance(ready, "start", "ann", NOW, others).state == "running"


def test_a_wave_is_complete_when_none_of_its_vms_is_copied_any_more() -> None:
    """What nobody told anything of is cut over by the word of whoever completes the wave."""
    other = ("vc1", "vm-2")
    running = wave(state="running", vms={VM: "copying", other: "pending"})
    with pytest.raises(MoveRefused, match="1 VM of Wave 2 is being copied"):
        advance(running, "complete", "ann", NOW)
    over = advance(vm_moves(running, VM, "failed", "agent", NOW), "complete", "ann", NOW)
    assert over.state == "complete" and over.vms == {VM: "failed", other: "cut_over"}


def test_chat_and_webhook_end_in_the_same_state() -> None:
    """The same report twice, and from two sides, changes nothing more."""
    running = wave(state="running", vms={VM: "copying"})
    by_agent = vm_moves(running, VM, "cut_over", "agent", NOW)
    assert vm_moves(by_agent, VM, "cut_over", "agent", NOW) is by_agent
    done = advance(by_agent, "complete", "webhook", NOW)
    assert advance(done, "complete", "ann", NOW) is done
    assert done.state == advance(by_agent, "complete", "ann", NOW).state == "complete"


def test_what_agents_report_out_of_turn_is_refused() -> None:
    running = wave(state="running", vms={VM: "cut_over"})
    for progress, key, state in (
        (running, VM, "copying"),
        (running, ("vc1", "vm-9"), "cut_over"),
        (running, VM, "pending"),
        (wave(state="planned", vms={VM: "pending"}), VM, "copying"),
        (wave(state="complete", vms={VM: "pending"}), VM, "cut_over"),
        (wave(state="running", vms={VM: "skipped"}), VM, "copying"),
        (wave(state="running", vms={VM: "copying"}), VM, "skipped"),
        (wave(state="running", vms={VM: "pending"}), VM, "exploded"),
    ):
        with pytest.raises(MoveRefused):
            vm_moves(progress, key, state, "agent", NOW)  # type: ignore[arg-type]
    assert vm_moves(wave(vms={VM: "pending"}), VM, "skipped", "ann", NOW).vms[VM] == "skipped"


def test_ticking_and_unticking() -> None:
    ticked = tick(wave(items={}), "agent_reachable", "pass", "ann", NOW, "pinged")
    assert ticked.item("agent_reachable") == Item("pass", "ann", NOW, "pinged")
    assert tick(ticked, "agent_reachable", "pending", "ann", NOW).item("agent_reachable").state == "pending"
    with pytest.raises(MoveRefused, match="no preflight item"):
        tick(wave(), "coffee", "pass", "ann", NOW)
    with pytest.raises(MoveRefused, match="its preflight is over"):
        tick(wave(state="running"), "agent_reachable", "pass", "ann", NOW)


def test_a_blocker_is_skipped_by_two_with_a_reason() -> None:
    for reason, second in (("", "bob"), ("  ", "bob"), ("known", ""), ("known", "ann")):
        with pytest.raises(MoveRefused):
            tick(wave(), "network_mapped", "skipped", "ann", NOW, reason, second)
    both = tick(wave(items={}), "network_mapped", "skipped", "ann", NOW, "no network at all", "bob")
    assert both.item("network_mapped").by == "ann and bob"
    assert tick(wave(items={}), "owners_told", "skipped", "ann", NOW).item("owners_told").state == "skipped"


def test_a_blocker_that_fails_after_all_takes_the_confirmation_back() -> None:
    confirmed = wave(state="confirmed")
    assert tick(confirmed, "network_mapped", "fail", "ann", NOW).state == "planned"
    assert tick(confirmed, "agent_reachable", "fail", "ann", NOW).state == "confirmed"


def test_a_new_plan_forgets_the_ticks() -> None:
    assert advance(wave(state="failed"), "reopen", "ann", NOW).items == {}
