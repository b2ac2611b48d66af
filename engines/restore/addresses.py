"""Which addresses a VM that comes back gets: new ones, the same where they are free, or the same or nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

from engines.restore.recipe import Fixed, Nic
from storage.inventory import Found

Strategy = Literal["new_ips", "try_same_ips", "same_ips_or_fail"]
STRATEGIES: tuple[Strategy, ...] = ("new_ips", "try_same_ips", "same_ips_or_fail")
_COUNTED = 1_000_000  # nobody needs to know how many more of IPv6 are free


@dataclass(frozen=True, slots=True)
class Subnet:
    """`automatic`: the address follows from the MAC, and cannot be asked for."""

    id: str
    network_id: str
    cidr: str
    gateway: str = ""
    pools: tuple[tuple[str, str], ...] = ()
    automatic: bool = False
    name: str = ""

    def holds(self, ip: str) -> bool:
        try:
            return ip_address(ip) in ip_network(self.cidr, strict=False)
        except (ValueError, TypeError):
            return False


@dataclass(frozen=True, slots=True)
class Wanted:
    """One NIC to make. `fixed` are its addresses: with an ip exactly that one, without one any of the subnet.

    `kept` are the addresses that it asks for again, `lost` those that it cannot have, each with the reason.
    """

    nic: Nic
    fixed: tuple[Fixed, ...]
    kept: tuple[str, ...] = ()
    lost: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Addressing:
    """The NICs in order. `problems` make it impossible, line by line."""

    wanted: tuple[Wanted, ...]
    problems: tuple[str, ...] = ()

    @property
    def lost(self) -> tuple[tuple[str, str, str], ...]:
        """(network, address, why) of what is not kept."""
        return tuple((one.nic.network, ip, why) for one in self.wanted for ip, why in one.lost)


@dataclass(frozen=True, slots=True)
class Book:
    """What is known of the networks: `used` are taken addresses by network, without those that the restore frees."""

    subnets: tuple[Subnet, ...] = ()
    used: Mapping[str, Collection[str]] = field(default_factory=dict)
    networks: frozenset[str] = frozenset()

    def of(self, network_id: str) -> tuple[Subnet, ...]:
        return tuple(subnet for subnet in self.subnets if subnet.network_id == network_id)

    def subnet_of(self, network_id: str, fixed: Fixed) -> Subnet | None:
        mine = self.of(network_id)
        named = next((subnet for subnet in mine if fixed.subnet_id and subnet.id == fixed.subnet_id), None)
        return named or next((subnet for subnet in mine if subnet.holds(fixed.ip)), None)

    def free(self, subnet: Subnet) -> int:
        """Addresses that are left in it, at most a million."""
        taken = set(self.used.get(subnet.network_id, ()))
        if subnet.gateway:
            taken.add(subnet.gateway)
        spans = [span for pool in subnet.pools or _whole(subnet.cidr) if (span := _span(pool)) is not None]
        size = sum(last - first + 1 for first, last in spans)
        inside = sum(1 for ip in map(_number, taken) if ip is not None and any(a <= ip <= b for a, b in spans))
        return max(0, min(size - inside, _COUNTED))


def subnet_of_row(row: Found) -> Subnet:
    pools = [str(pool).split("-", 1) for pool in row.attrs.get("pools") or () if "-" in str(pool)]
    mode = str(row.attrs.get("address_mode") or "")
    return Subnet(
        row.external_id,
        str(row.attrs.get("parent_id") or ""),
        str(row.attrs.get("cidr") or ""),
        str(row.attrs.get("gateway") or ""),
        tuple((first.strip(), last.strip()) for first, last in pools),
        mode in ("slaac", "dhcpv6-stateless"),
        row.name,
    )


def _whole(cidr: str) -> tuple[tuple[str, str], ...]:
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        return ()
    if network.num_addresses <= 2:
        return ((str(network[0]), str(network[-1])),)
    return ((str(network[1]), str(network[-2])),)


def _number(ip: str) -> int | None:
    try:
        return int(ip_address(ip))
    except ValueError:
        return None


def _span(pool: tuple[str, str]) -> tuple[int, int] | None:
    first, last = _number(pool[0]), _number(pool[1])
    return None if first is None or last is None or last < first else (first, last)


def address_all(nics: Sequence[Nic], strategy: Strategy, book: Book) -> Addressing:
    """What each NIC asks for. An address of the original that is in use is taken: nothing is moved off another port."""
    wanted, problems = [], []
    for nic in nics:
        if nic.network_id not in book.networks:
            problems.append(f"network {nic.network} ({nic.network_id}) does not exist any more")
        one = _wanted(nic, strategy, book)
        wanted.append(one)
        if strategy == "same_ips_or_fail":
            problems += [f"{nic.network} {ip}: {why}" for ip, why in one.lost]
    problems += _short(wanted, book)
    return Addressing(tuple(wanted), tuple(dict.fromkeys(problems)))


def _wanted(nic: Nic, strategy: Strategy, book: Book) -> Wanted:
    fixed: list[Fixed] = []
    kept: list[str] = []
    lost: list[tuple[str, str]] = []
    for one in nic.fixed:
        subnet = book.subnet_of(nic.network_id, one)
        subnet_id = subnet.id if subnet is not None else ""
        why = "" if strategy == "new_ips" else _taken(nic, one, subnet, book)
        if strategy == "new_ips" or why:
            if subnet_id:
                fixed.append(Fixed("", subnet_id))
            if why:
                lost.append((one.ip, why))
        elif subnet is not None and subnet.automatic:
            fixed.append(Fixed("", subnet_id))
            kept.append(one.ip)
        else:
            fixed.append(Fixed(one.ip, subnet_id))
            kept.append(one.ip)
    return Wanted(nic, tuple(fixed), tuple(kept), tuple(lost))


def _taken(nic: Nic, one: Fixed, subnet: Subnet | None, book: Book) -> str:
    if subnet is None:
        return "no subnet of its network holds it any more"
    return "is in use" if _same_in(one.ip, book.used.get(nic.network_id, ())) else ""


def _same_in(ip: str, used: Iterable[str]) -> bool:
    """IPv6 has many spellings of one address."""
    try:
        wanted: IPv4Address | IPv6Address = ip_address(ip)
    except ValueError:
        return ip in set(used)
    return any(_number(other) == int(wanted) and (":" in other) == (wanted.version == 6) for other in used)


def _short(wanted: Sequence[Wanted], book: Book) -> list[str]:
    """Subnets that have fewer addresses left than are asked of them."""
    asked: dict[str, int] = {}
    for one in wanted:
        for fixed in one.fixed:
            if not fixed.ip:
                asked[fixed.subnet_id] = asked.get(fixed.subnet_id, 0) + 1
    short = []
    for subnet in book.subnets:
        needs = asked.get(subnet.id, 0)
        if needs and not subnet.automatic and (free := book.free(subnet)) < needs:
            short.append(f"subnet {subnet.cidr} has {free} free addresses, {needs} are needed")
    return short
