"""Groups of groups, and what entries say of people."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from ldap3.utils.conv import escape_filter_chars

from engines.directory import DirectoryError
from engines.directory.entries import Entry, people_of
from engines.directory.groups import closure, folded
from engines.directory.ldap import Access, members

ACCESS = Access("ldap://127.0.0.1", "cn=bot", lambda: "secret", "dc=t")


def entry(dn: str, **attributes: str | list[str] | bytes) -> Entry:
    def raw(value: str | list[str] | bytes) -> list[bytes]:
        if isinstance(value, bytes):
            return [value]
        return [one.encode() for one in ([value] if isinstance(value, str) else value)]

    return Entry(dn, {name.lower(): raw(value) for name, value in attributes.items()})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=a,dc=t", "CN=A,DC=T"),
        ("cn=a,dc=t", "cn=a, dc=t"),
        ("cn=a b,dc=t", "cn=A B ,dc=t"),
        ("cn=\\2Ca,dc=t", "CN=\\2ca,dc=t"),
    ],
)
def test_dns_are_compared_as_the_server_does(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_other_dns_are_others_and_nonsense_is_nobodys() -> None:
    names = ["cn=a,dc=t", "cn=a\\,dc=t", "cn=ab,dc=t", "cn=a", "", "nonsense", "=", "cn=a,dc=t,dc=u"]
    assert len({folded(name) for name in names}) == len(names)


def test_groups_in_groups_and_circles_end() -> None:
    holds = {"a": ["b", "x"], "b": ["c", "y"], "c": ["a", "z", "c"], "d": ["nowhere"]}
    assert closure("a", holds) == {"a", "b", "c", "x", "y", "z"}
    assert closure("d", holds) == {"nowhere"} and closure("nothing", holds) == frozenset()
    deep = {str(number): [str(number + 1)] for number in range(20_000)}
    assert len(closure("0", deep)) == 20_000


def test_people_are_those_with_an_id_that_is_theirs_alone() -> None:
    found = [
        entry("uid=ann,dc=t", uid="ann", cn="Ann", mail=["ann@t", "second@t"], entryUUID="E-1"),
        entry("uid=bob,dc=t", uid="bob", displayName="Bob \u202eR\x1b[2Jay", mail="no address"),
        entry("uid=twin,ou=a,dc=t", uid="twin", cn="T"),
        entry("uid=twin,ou=b,dc=t", uid="TWIN", cn="T"),
        entry("cn=none,dc=t", cn="No id"),
        *(entry(f"uid={odd!r},dc=t", uid=odd) for odd in ("a b", "local", "Directory", "x" * 101, "a\x00b", "")),
    ]
    people, left_out = people_of([(one, frozenset({"g"})) for one in found], "uid")
    assert [(one.id, one.name, one.email) for one in people] == [("ann", "Ann", "ann@t"), ("bob", "Bob R[2Jay", None)]
    assert people[0].entry_id == "e-1" and people[1].entry_id == "uid=bob,dc=t"
    assert len(left_out) == 8 and "2 entries bear this id" in left_out[-1]


@pytest.mark.parametrize(
    "how",
    [{"userAccountControl": "514"}, {"userAccountControl": "66050"}, {"nsAccountLock": "TRUE"},
     {"pwdAccountLockedTime": "000001010000Z"}],
)  # fmt: skip
def test_who_is_disabled_there_is_not_there(how: dict[str, str]) -> None:
    people, left_out = people_of([(entry("uid=ann,dc=t", uid="ann", **how), frozenset({"g"}))], "uid")
    assert people == [] and left_out == []
    on: dict[str, str] = {"userAccountControl": "512", "nsAccountLock": "false"}
    assert len(people_of([(entry("uid=ann,dc=t", uid="ann", **on), frozenset({"g"}))], "uid")[0]) == 1


class Tree:
    """A small directory that answers the searches that are made of it; `in_chain` as Active Directory does."""

    def __init__(self, *, in_chain: bool) -> None:
        self.in_chain = in_chain
        self.asked: list[str] = []

    def search(self, base: str, filter_: str, attributes: Sequence[str], *, only_base: bool = False) -> list[Entry]:
        self.asked.append(filter_)
        groups = [
            entry("CN=Ops (all),DC=t", cn="Ops (all)", member=["cn=inner,dc=t"]),
            entry("cn=inner,dc=t", cn="inner", member=["CN=Ann,DC=t", "CN=Ops (all),DC=t"], memberUid=["cal"]),
            entry("cn=same,ou=a,dc=t", cn="same"),
            entry("cn=same,ou=b,dc=t", cn="same"),
        ]
        guid = UUID("7b95f0d5-a3ed-486c-919c-077b8c9731f2")
        people = [
            entry("cn=ann,dc=t", cn="Ann", sAMAccountName="ann", uid="ann", objectGUID=guid.bytes_le),
            entry("cn=cal,dc=t", cn="Cal", sAMAccountName="cal", uid="cal"),
            entry("cn=out,dc=t", cn="Out", sAMAccountName="out", uid="out"),
        ]
        if "memberOf" in filter_:
            return people[:2] if r"memberOf:1.2.840.113556.1.4.1941:=CN=Ops \28all\29,DC=t" in filter_ else []
        if only_base:
            return [one for one in groups if folded(one.dn) == folded(base)]
        if "(cn=" in filter_:
            return [one for one in groups if f"(cn={escape_filter_chars(one.text('cn'))})" in filter_]
        return groups if "groupOfNames" in filter_ else people


@pytest.mark.parametrize("in_chain", [True, False], ids=["the server expands", "we expand"])
@pytest.mark.parametrize("group", ["Ops (all)", "CN=Ops (all),DC=t"])
def test_members_are_found_either_way(in_chain: bool, group: str) -> None:
    found = members(Tree(in_chain=in_chain), ACCESS, [group])
    assert [(one.id, one.groups) for one in found.people] == [("ann", frozenset({group})), ("cal", frozenset({group}))]
    assert found.people[0].entry_id == "7b95f0d5-a3ed-486c-919c-077b8c9731f2" and found.left_out == ()


@pytest.mark.parametrize("in_chain", [True, False])
@pytest.mark.parametrize("group", ["nothing", "cn=nothing,dc=t", "same", "*", "Ops*", ")(cn=*"])
def test_a_group_that_is_not_one_changes_nothing(in_chain: bool, group: str) -> None:
    with pytest.raises(DirectoryError, match="2 groups are called" if group == "same" else "has no group"):
        members(Tree(in_chain=in_chain), ACCESS, ["inner", group])
