"""Groups of groups: who is in a group in the end."""

from collections.abc import Collection, Mapping

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import parse_dn


def folded(dn: str) -> str:
    """A DN as it is compared: without regard to capitals, and to blanks around its parts."""
    try:
        return ",".join(f"{name.strip()}={value.strip()}" for name, value, _ in parse_dn(dn, strip=True)).casefold()
    except LDAPInvalidDnError:
        return dn.strip().casefold()


def closure(group: str, members: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Everything that a group holds, through any number of groups; groups that hold each other end somewhere too."""
    seen: set[str] = set()
    waiting = [group]
    while waiting:
        for one in members.get(waiting.pop(), ()):
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return frozenset(seen)
