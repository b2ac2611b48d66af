"""Names tied to names: a guess until a person confirms it."""

from engines.migration.assessment import assess
from engines.migration.mappings import Mapped, NetworkUse, Offer, closest, networks_used, seed_names, seed_networks
from engines.migration.records import PortGroup
from tests.engines.migration.estates import estate, vm

_OFFERS = [Offer("1", "prod-web", "10"), Offer("2", "prod-db", "20"), Offer("3", "dmz", "30")]


def test_networks_with_their_vlans() -> None:
    made = estate([vm("a", 1), vm("b", 2, template=True)], port_groups=(PortGroup(2, "vlan10", vlan="10"),))
    assert networks_used(made, assess(made).vms) == (NetworkUse("VLAN10", ("10",), 1),)


def test_the_vlan_beats_the_name() -> None:
    (found,) = seed_networks([NetworkUse("prod-web-old", ("20",), 5)], _OFFERS)
    assert (found.target, found.by, found.confirmed) == (_OFFERS[1], "vlan", False)


def test_the_closest_name_else_none() -> None:
    alike, unlike = seed_networks([NetworkUse("Prod_Web", (), 2), NetworkUse("zzz", ("99",), 1)], _OFFERS)
    assert alike.target == _OFFERS[0] and alike.by == "name" and alike.likeness > 80
    assert unlike.target is None and unlike.likeness == 0.0


def test_what_was_confirmed_stays() -> None:
    kept = Mapped("Acme", Offer("9", "other"), 100.0, "name", 1, confirmed=True)
    found = seed_names(
        {"Acme": 3, "Beta": 1}, [Offer("1", "acme")], {"Acme": kept, "Beta": Mapped("Beta", None, 0, "name", 1)}
    )
    assert found[0] is kept and found[1].target is None


def test_equal_likeness_has_one_answer() -> None:
    twins = [Offer("2", "same"), Offer("1", "same")]
    assert closest("same", twins) == closest("same", twins[::-1]) == (Offer("1", "same"), 100.0)
    assert closest("x", []) == (None, 0.0)
