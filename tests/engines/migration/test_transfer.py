"""Limits along the way, and how copies at one time share them."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.migration.transfer import (
    Flow,
    Limit,
    Transfer,
    alone_limits,
    fair_rates,
    host_limit,
    site_limits,
    stream_limit,
)


def test_bits_are_decimal_and_bytes_binary() -> None:
    assert Transfer().slots == 10
    nic = next(
        one for one in site_limits(Transfer(target_nic_gbps=10, target_usable=1.0)) if one.name == "target network"
    )
    assert nic.mib_s == pytest.approx(10e9 / 8 / 1024**2)


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({}, "target storage"),
        ({"target_write_mb_s": 5000.0}, "target network"),
        ({"topology": "dedicated", "link_gbps": 1.0}, "link"),
        ({"topology": "internet"}, "internet"),
        ({"agents": 1, "agent_nic_gbps": 1.0}, "agents' network"),
    ],
)
def test_the_tightest_limit_of_the_site(more: dict[str, Any], name: str) -> None:
    assert site_limits(Transfer(target_usable=0.5, **more))[0].name == name


def test_one_disk_one_host_and_a_long_way() -> None:
    assert alone_limits(Transfer(), 1)[0].name == "disk stream"
    assert alone_limits(Transfer(), 8)[0].name == "source host"
    assert host_limit(Transfer(source_nic_gbps=1.0)).name == "source host's NIC"
    assert stream_limit(Transfer(topology="dedicated", link_gbps=10, rtt_ms=100)) == Limit("latency", 40.0)
    assert stream_limit(Transfer(rtt_ms=100)).name == "disk stream"  # there is no way to go


@pytest.mark.parametrize(
    "more",
    [
        {"agents": 0},
        {"vms_per_agent": 0},
        {"topology": "dedicated"},
        {"topology": "dedicated", "link_gbps": 0.0},
        {"source_nic_gbps": 0.0},
        {"agent_usable": 0.0},
        {"target_usable": 1.5},
        {"target_write_mb_s": math.nan},
        {"target_write_mb_s": math.inf},
        {"rtt_ms": -1.0},
        {"datastore_mb_s": 0.0},
    ],
)
def test_a_way_that_cannot_be(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Transfer(**more)


def test_shares_are_fair() -> None:
    shares = ((10.0, ("site",)), (100.0, ("site", "h")), (100.0, ("site", "h")), (100.0, ("site",)))
    flows = [Flow(Limit("cap", cap), names) for cap, names in shares]
    rates = fair_rates(flows, {"site": 100.0, "h": 40.0})
    assert [round(rate, 6) for rate, _ in rates] == [10.0, 20.0, 20.0, 50.0]
    assert [name for _, name in rates] == ["cap", "h", "h", "site"]
    assert fair_rates([], {}) == []


_NAMES = ["a", "b", "c", "d"]


@given(
    st.lists(st.tuples(st.floats(0.1, 500), st.sets(st.sampled_from(_NAMES), max_size=3)), max_size=25),
    st.lists(st.floats(0.5, 1000), min_size=4, max_size=4),
)
def test_nothing_is_exceeded_nothing_wasted_and_nobody_starves(
    drawn: list[tuple[float, set[str]]], limits: list[float]
) -> None:
    flows = [Flow(Limit("cap", cap), tuple(sorted(names))) for cap, names in drawn]
    capacities = dict(zip(_NAMES, limits, strict=True))
    rates = fair_rates(flows, capacities)
    used = {
        name: sum(rate for flow, (rate, _) in zip(flows, rates, strict=True) if name in flow.shared) for name in _NAMES
    }
    assert all(used[name] <= capacities[name] * (1 + 1e-6) for name in _NAMES)
    for flow, (rate, held) in zip(flows, rates, strict=True):
        assert 0 < rate <= flow.cap.mib_s * (1 + 1e-9)
        full = held == "cap" or used[held] >= capacities[held] * (1 - 1e-6)
        assert full and (held != "cap" or rate >= flow.cap.mib_s * (1 - 1e-6))
