"""How fast data moves: the limits along the way, and how those who copy at one time share them.

Rates are MiB a second; bit rates are decimal as makers give them, so that 10 Gbit/s are 1,192 MiB/s. The defaults are
figures that peers published (76.5 MB/s for one disk, 253 MB/s for one host, a quarter less above 200 disks at a time);
a measured pilot is better than any of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Topology = Literal["local", "dedicated", "internet"]
MIB = 1_048_576
_FOREVER = math.inf


@dataclass(frozen=True, slots=True)
class Transfer:
    """The way from the source's hosts to the target's storage. None is "no limit known"."""

    topology: Topology = "local"
    source_nic_gbps: float = 10.0
    source_usable: float = 0.4
    host_mb_s: float = 253.0  # what one ESXi host gives by NFC
    datastore_mb_s: float | None = None
    stream_mb_s: float = 76.5  # one disk
    link_gbps: float | None = None
    link_usable: float = 0.6
    upload_mbps: float = 100.0  # of the internet
    download_mbps: float = 100.0
    rtt_ms: float = 0.0
    window_mib: float = 4.0  # what one stream may have under way
    agents: int = 2
    vms_per_agent: int = 5
    agent_nic_gbps: float = 10.0
    agent_usable: float = 0.7
    target_write_mb_s: float = 500.0
    target_nic_gbps: float = 10.0
    target_usable: float = 0.4
    many_streams: int = 200
    many_streams_factor: float = 0.75

    def __post_init__(self) -> None:
        if self.agents < 1 or self.vms_per_agent < 1:
            raise ValueError("there must be at least one agent, with room for one VM")
        if self.topology == "dedicated" and not self.link_gbps:
            raise ValueError("a dedicated link needs its speed, link_gbps")
        speeds = (self.source_nic_gbps, self.host_mb_s, self.stream_mb_s, self.agent_nic_gbps, self.target_write_mb_s,
                  self.target_nic_gbps, self.upload_mbps, self.download_mbps, self.window_mib)  # fmt: skip
        shares = (self.source_usable, self.link_usable, self.agent_usable, self.target_usable, self.many_streams_factor)
        if not all(math.isfinite(one) and one > 0 for one in speeds) or not all(0 < one <= 1 for one in shares):
            raise ValueError("speeds must be above 0, and usable shares above 0 and at most 1")
        if self.rtt_ms < 0 or (self.datastore_mb_s is not None and self.datastore_mb_s <= 0):
            raise ValueError("a latency is not negative, and a datastore has a speed")

    @property
    def slots(self) -> int:
        """VMs that are worked on at one time."""
        return self.agents * self.vms_per_agent


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    mib_s: float


def site_limits(transfer: Transfer) -> tuple[Limit, ...]:
    """What all copies share, the tightest first."""
    found = [
        Limit("agents' network", transfer.agents * _gbps(transfer.agent_nic_gbps) * transfer.agent_usable),
        Limit("target storage", _mb_s(transfer.target_write_mb_s)),
        Limit("target network", _gbps(transfer.target_nic_gbps) * transfer.target_usable),
    ]
    if transfer.topology == "dedicated":
        found.append(Limit("link", _gbps(transfer.link_gbps or 0.0) * transfer.link_usable))
    elif transfer.topology == "internet":
        slower = min(transfer.upload_mbps, transfer.download_mbps)
        found.append(Limit("internet", _gbps(slower / 1000) * transfer.link_usable))
    return tuple(sorted(found, key=lambda one: (one.mib_s, one.name)))


def host_limit(transfer: Transfer) -> Limit:
    """Of one source host: its NIC's share or what NFC gives, whichever is less."""
    nic = _gbps(transfer.source_nic_gbps) * transfer.source_usable
    nfc = _mb_s(transfer.host_mb_s)
    return Limit("source host's NIC", nic) if nic < nfc else Limit("source host", nfc)


def datastore_limit(transfer: Transfer) -> Limit:
    return Limit("source datastore", _FOREVER if transfer.datastore_mb_s is None else _mb_s(transfer.datastore_mb_s))


def stream_limit(transfer: Transfer) -> Limit:
    """Of one disk. Over a long way a stream waits for its window to be acknowledged: window / round trip."""
    disk = _mb_s(transfer.stream_mb_s)
    if transfer.topology == "local" or transfer.rtt_ms <= 0:
        return Limit("disk stream", disk)
    waiting = transfer.window_mib / (transfer.rtt_ms / 1000)
    return Limit("latency", waiting) if waiting < disk else Limit("disk stream", disk)


def agent_limit(transfer: Transfer) -> Limit:
    return Limit("agent's NIC", _gbps(transfer.agent_nic_gbps) * transfer.agent_usable)


@lru_cache(maxsize=512)
def alone_limits(transfer: Transfer, streams: int) -> tuple[Limit, ...]:
    """What a VM of so many disks meets when nothing else is copied, the tightest first."""
    stream = stream_limit(transfer)
    found = (
        *site_limits(transfer),
        host_limit(transfer),
        datastore_limit(transfer),
        agent_limit(transfer),
        Limit(stream.name, stream.mib_s * max(1, streams)),
    )
    return tuple(sorted(found, key=lambda one: (one.mib_s, one.name)))


def _gbps(gigabits: float) -> float:
    return gigabits * 1e9 / 8 / MIB


def _mb_s(megabytes: float) -> float:
    return megabytes * 1e6 / MIB


@dataclass(frozen=True, slots=True)
class Flow:
    """One copy. `cap` is what it could do by itself; `shared` names what it shares with others."""

    cap: Limit
    shared: tuple[str, ...]


def fair_rates(flows: Sequence[Flow], capacities: Mapping[str, float]) -> list[tuple[float, str]]:
    """Max-min fairness: all rise together until something is full; who uses that stays, the others rise on.

    For each flow its rate and the name of what holds it back: of its cap, or the shared thing.
    """
    tight = _scarce(flows, capacities)
    shared = [tuple(name for name in flow.shared if name in tight) for flow in flows]
    left = {name: capacities[name] for name in tight}
    users = dict.fromkeys(tight, 0)
    for names in shared:
        for name in names:
            users[name] += 1
    result: list[tuple[float, str]] = [(0.0, "")] * len(flows)
    rising = list(range(len(flows)))
    level = 0.0
    while rising:
        full = min((left[name] / count for name, count in users.items() if count), default=_FOREVER)
        step = min(full, min(flows[one].cap.mib_s for one in rising) - level)
        level += max(0.0, step)
        for name, count in users.items():
            left[name] -= step * count
        rising = _settle(flows, shared, rising, level, left, users, result)
    return result


def _scarce(flows: Sequence[Flow], capacities: Mapping[str, float]) -> dict[str, None]:
    """What all of its users together could fill; anything else never holds anybody back."""
    asked: dict[str, float] = {}
    for flow in flows:
        for name in flow.shared:
            asked[name] = asked.get(name, 0.0) + flow.cap.mib_s
    return {name: None for name, total in asked.items() if total > capacities[name]}


def _settle(
    flows: Sequence[Flow],
    shared: Sequence[tuple[str, ...]],
    rising: list[int],
    level: float,
    left: dict[str, float],
    users: dict[str, int],
    result: list[tuple[float, str]],
) -> list[int]:
    """Notes those that rise no more; the others are given back. At least one settles each time."""
    tight = {name for name, count in users.items() if count and left[name] <= level * 1e-9 + 1e-12}
    still = []
    for one in rising:
        flow = flows[one]
        held = next((name for name in shared[one] if name in tight), None)
        if held is None and flow.cap.mib_s > level * (1 + 1e-9):
            still.append(one)
            continue
        result[one] = (min(level, flow.cap.mib_s), held or flow.cap.name)
        for name in shared[one]:
            users[name] -= 1
    if len(still) == len(rising):  # rounding kept everybody rising: take the level as it is
        for one in still:
            result[one] = (level, flows[one].cap.name)
        return []
    return still
