"""The OS families of the catalogue, told from what people and clouds write."""

import re

# The first that matches wins: the more telling word stands first.
_FAMILIES = tuple(
    (family, re.compile(rf"(?<![a-z])(?:{words})", re.IGNORECASE))
    for family, words in (
        ("windows", r"windows|win(?:2k|\d|[-_ ]?srv|[-_ ]?server)|microsoft"),
        ("ubuntu", r"ubuntu"),
        ("debian", r"debian"),
        ("centos", r"centos|rocky|alma|oraclelinux|oracle[-_ ]?linux|fedora"),
        ("rhel", r"rhel|red[-_ ]?hat"),
        ("sles", r"sles|suse|opensuse"),
        ("linux", r"linux|cirros|alpine|arch(?![a-z])|gentoo|flatcar|coreos|talos|amzn"),
        ("other", r"freebsd|openbsd|netbsd|esxi?(?![a-z])|solaris|aix(?![a-z])|macos|pfsense|opnsense"),
    )
)


def family_of(text: str) -> str | None:
    """The OS family that a distribution, a type or a name tells of; None when it tells nothing."""
    return next((family for family, pattern in _FAMILIES if pattern.search(text)), None)
