"""What fits a quota."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from engines.clouds.acting import StorageQuota, Used
from engines.snapshots.quotas import Wanted, counted, fit
from tests.engines.snapshots.small_cloud import SmallCloud

FREE = Used(None, None)


def wanted(*sizes: int, volume_type: str = "") -> list[Wanted]:
    return [Wanted(f"v{n}", size, volume_type) for n, size in enumerate(sizes, 1)]


def test_the_smallest_first_and_what_the_others_lack() -> None:
    result = fit(wanted(300, 10, 50), StorageQuota(FREE, Used(1000, 900)))
    assert [one.size_gib for one in result.fits] == [10, 50]
    assert [one.words for one in result.blocked] == ["needs 260 GiB more (quota of the project)"]


def test_no_limit_is_minus_one_or_none() -> None:
    for limit in (None, -1):
        assert not fit(wanted(10_000), StorageQuota(Used(limit, 5), Used(limit, None))).blocked


def test_trap_2_plain_integers_do_not_become_no_use_nor_no_limit() -> None:
    cloud = SmallCloud()
    volumes = [cloud.volume("p", "v1", 60)]
    snapshots = [cloud.copy("p", "v1", timedelta(days=1))]
    quota = counted(StorageQuota(Used(1, None), Used(100, None)), volumes, snapshots)
    assert (quota.snapshots.used, quota.size_gib.used) == (1, 120)
    assert fit(wanted(1), quota).blocked
    zero = counted(StorageQuota(Used(0, None), Used(0, None)), [], [])
    assert fit(wanted(1), zero).blocked


def test_use_that_is_not_told_is_told_as_unknown() -> None:
    result = fit(wanted(10), StorageQuota(Used(5, None), Used(100, None)))
    assert result.unknown == ("size", "snapshots") and result.fits


def test_limits_of_a_type_count_for_that_type_alone() -> None:
    quota = StorageQuota(FREE, FREE, {"ssd": Used(1, 1)}, {"ssd": Used(100, 100)})
    assert fit(wanted(10, volume_type="ssd"), quota).blocked[0].words == "needs 10 GiB more (quota of the type ssd)"
    assert not fit(wanted(10, volume_type="hdd"), quota).blocked


@given(st.lists(st.integers(0, 500), max_size=12), st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 10))
def test_what_fits_fits_and_the_shortfall_is_enough(sizes: list[int], limit: int, used: int, count: int) -> None:
    quota = StorageQuota(Used(count, 0), Used(limit, used))
    result = fit(wanted(*sizes), quota)
    assert sum(one.size_gib for one in result.fits) <= max(limit - used, 0) and len(result.fits) <= count
    assert len(result.fits) + len(result.blocked) == len(sizes)
    more = StorageQuota(Used(count + len(sizes), 0), Used(max(limit, used) + sum(sizes), used))
    assert not fit(wanted(*sizes), more).blocked
