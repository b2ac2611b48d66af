"""How long one VM takes, by hand-worked figures."""

import pytest

from engines.migration.times import Job, Pace, job_of, times_of
from engines.migration.transfer import Transfer
from tests.engines.migration.estates import GIB, assessed, disk

_FAST = Transfer(host_mb_s=104.8576, stream_mb_s=104.8576)  # 100 MiB/s
_PACE = Pace(prepare_minutes=0, change_percent_a_day=0)


def test_a_cold_move_is_down_all_the_time_and_a_warm_one_for_its_cutover() -> None:
    job = Job(("v", "1"), "a", 100 * 600, "cold", fixed_s=1200)
    cold = times_of(job, _FAST, _PACE)
    assert (cold.rate_mib_s, cold.cold_s, cold.downtime_s) == (
        pytest.approx(100),
        pytest.approx(1800),
        pytest.approx(1800),
    )
    warm = times_of(Job(("v", "1"), "a", 100 * 600, "warm", fixed_s=1200), _FAST, _PACE)
    assert (warm.first_copy_s, warm.downtime_s, warm.total_s) == (
        pytest.approx(600),
        pytest.approx(1200),
        pytest.approx(1800),
    )


def test_increments_follow_what_changes() -> None:
    """Half as fast as it is copied: each round is half as long as the one before."""
    job = Job(("v", "1"), "a", 100 * 4800, "warm", fixed_s=0, change_mib_s=50)
    found = times_of(job, _FAST, Pace(prepare_minutes=0, last_round_minutes=10))
    assert (found.rounds, found.increments_s, found.cutover_s) == (2, pytest.approx(3600), pytest.approx(600))
    assert found.converges


def test_what_changes_faster_than_it_is_copied_is_said() -> None:
    found = times_of(Job(("v", "1"), "a", 100 * 4800, "warm", change_mib_s=200), _FAST, _PACE)
    assert not found.converges and found.rounds == _PACE.most_rounds


def test_a_job_of_a_vm() -> None:
    job = job_of(assessed(disks=(disk(1, 10), disk(2, 90, path="[big] x/y.vmdk"))), Pace())
    assert (job.way, job.size_mib, job.streams, job.datastore) == ("warm", 20 * GIB, 2, "vc1 big")
    assert job.host == "vc1 esx1" and job.fixed_s == 60 * (3 + 8 + 10)
    assert job.change_mib_s == pytest.approx(20 * GIB * 0.05 / 86_400)
    assert job_of(assessed(power="poweredOff"), Pace()).change_mib_s == 0
    assert job_of(assessed(os_tools="Microsoft Windows 11"), Pace()).fixed_s == 60 * (3 + 12 + 10)


@pytest.mark.parametrize("more", [{"change_percent_a_day": -1.0}, {"last_round_minutes": 0.0}, {"most_rounds": -1}])
def test_a_pace_that_cannot_be(more: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Pace(**more)  # type: ignore[arg-type]
