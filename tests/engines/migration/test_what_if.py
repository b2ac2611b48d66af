"""Plans side by side, and the agents that a deadline needs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engines.migration.calendars import Calendar
from engines.migration.simulator import simulate
from engines.migration.times import Job, Pace
from engines.migration.transfer import Transfer
from engines.migration.what_if import Case, agents_needed, compare

START = datetime(2026, 11, 30, tzinfo=UTC)
PACE = Pace(change_percent_a_day=0)
JOBS = [Job(("v", str(n)), f"vm{n}", 60 * 1024, "warm", host=f"h{n % 9}") for n in range(120)]
SLOW = Transfer(agents=1, vms_per_agent=2, target_write_mb_s=2000, target_nic_gbps=100)
ALWAYS = Calendar(START)


def test_more_agents_and_longer_days_are_sooner_done() -> None:
    cases = [
        Case("now", SLOW, Calendar(START, 8, 16)),
        Case("16 hours", SLOW, Calendar(START, 6, 22)),
        Case("4 agents", replace(SLOW, agents=4), Calendar(START, 8, 16)),
        Case("10 gbit", replace(SLOW, topology="dedicated", link_gbps=10.0), Calendar(START, 8, 16)),
    ]
    now, longer, more, link = compare(JOBS, cases, START + timedelta(days=2), PACE)
    assert longer.end_at < now.end_at and more.end_at < now.end_at and link.end_at >= now.end_at
    assert now.bottleneck == "agent slots" and (now.meets, more.meets) == (False, True)
    assert now.end_at == simulate(JOBS, SLOW, Calendar(START, 8, 16), PACE).end_at  # one model


def test_the_fewest_agents_for_a_deadline() -> None:
    deadline = START + timedelta(hours=6)
    found = agents_needed(JOBS, SLOW, ALWAYS, deadline, PACE)
    assert found.agents is not None and found.agents > 1
    assert simulate(JOBS, replace(SLOW, agents=found.agents), ALWAYS, PACE).meets(deadline)
    assert not simulate(JOBS, replace(SLOW, agents=found.agents - 1), ALWAYS, PACE).meets(deadline)


def test_when_no_agents_do_the_reason_is_said() -> None:
    narrow = replace(SLOW, topology="internet")
    found = agents_needed(JOBS[:20], narrow, ALWAYS, START + timedelta(hours=6), PACE)
    assert (found.agents, found.bottleneck) == (None, "internet")
    assert agents_needed([], SLOW, ALWAYS, START, PACE).agents == 1
