"""Which system a VM runs: what is said, what is meant, and how sure that is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.migration.guests import UNKNOWN, guest_of


@pytest.mark.parametrize(
    ("text", "family", "version"),
    [
        ("Microsoft Windows Server 2012 R2 (64-bit)", "windows", "2012 r2"),
        ("Microsoft Windows Server 2022 (64-bit)", "windows", "2022"),
        ("Microsoft Windows XP Professional (32-bit)", "windows", "xp"),
        ("Microsoft Windows 7 (64-bit)", "windows", "7"),
        ("Microsoft Windows 11 (64-bit)", "windows", "11"),
        ("Red Hat Enterprise Linux 9 (64-bit)", "rhel", "9"),
        ("CentOS 4/5/6/7 (64-bit)", "centos", "4"),
        ("Oracle Linux 8 (64-bit)", "oracle", "8"),
        ("Oracle Solaris 11 (64-bit)", "solaris", "11"),
        ("SUSE Linux Enterprise 15 (64-bit)", "suse", "15"),
        ("SUSE openSUSE (64-bit)", "suse", ""),
        ("Ubuntu Linux (64-bit)", "ubuntu", ""),
        ("Debian GNU/Linux 11 (64-bit)", "debian", "11"),
        ("VMware Photon OS (64-bit)", "photon", ""),
        ("FreeBSD 12 (64-bit)", "freebsd", "12"),
        ("Other 3.x or later Linux (64-bit)", "other-linux", "3"),
        ("Rocky Linux (64-bit)", "rocky", ""),
        ("AlmaLinux (64-bit)", "alma", ""),
        ("Other (64-bit)", "other", ""),
        ("Apple macOS 12 (64-bit)", "macos", "12"),
        ("search appliance", "other", ""),  # "arch" and "alma" are no words of it
        ("Palma Monarch", "other", ""),
    ],
)
def test_family_and_version(text: str, family: str, version: str) -> None:
    found = guest_of(text, None)
    assert (found.family, found.version) == (family, version)


def test_tools_win_over_the_configuration() -> None:
    found = guest_of("Microsoft Windows Server 2012 (64-bit)", "Microsoft Windows 7 (64-bit)")
    assert (found.version, found.confidence, found.origin) == ("2012", "high", "tools")


@pytest.mark.parametrize(
    ("tools", "configuration", "confidence", "origin"),
    [
        ("Red Hat Enterprise Linux 8 (64-bit)", "", "high", "tools"),
        ("Ubuntu Linux (64-bit)", "", "medium", "tools"),
        ("CentOS 4/5/6 (64-bit)", "", "medium", "tools"),
        ("", "Red Hat Enterprise Linux 8 (64-bit)", "medium", "configuration"),
        ("", "Microsoft Windows Server 2016 or later (64-bit)", "low", "configuration"),
        ("Other 2.6.x Linux (64-bit)", "Red Hat Enterprise Linux 6 (64-bit)", "medium", "configuration"),
        ("Other (64-bit)", "Other (64-bit)", "medium", "tools"),
        ("", "", "none", "none"),
    ],
)
def test_how_sure_it_is(tools: str, configuration: str, confidence: str, origin: str) -> None:
    found = guest_of(tools, configuration)
    assert (found.confidence, found.origin) == (confidence, origin)


@pytest.mark.parametrize(
    ("text", "converts", "ended"),
    [
        ("Microsoft Windows Server 2003 (32-bit)", True, True),
        ("Microsoft Windows Server 2012 (64-bit)", True, True),
        ("Microsoft Windows Server 2019 (64-bit)", True, False),
        ("Microsoft Windows 2000", False, True),
        ("Microsoft Windows NT 4", False, True),
        ("Red Hat Enterprise Linux 5 (32-bit)", True, True),
        ("Red Hat Enterprise Linux 7 (64-bit)", True, True),
        ("Red Hat Enterprise Linux 8 (64-bit)", True, False),
        ("Red Hat Enterprise Linux 3", False, True),
        ("CentOS 4/5/6 (64-bit)", True, True),
        ("SUSE Linux Enterprise 11 (64-bit)", True, True),
        ("Debian GNU/Linux 8 (64-bit)", True, True),
        ("Ubuntu Linux (64-bit)", True, None),
        ("Ubuntu 22.04 (64-bit)", True, False),
        ("Ubuntu 18.04 (64-bit)", True, True),
        ("FreeBSD 12 (64-bit)", False, None),
        ("Oracle Solaris 11 (64-bit)", False, None),
        ("VMware Photon OS (64-bit)", False, None),
        ("Other (64-bit)", False, None),
        ("Microsoft Windows Server 2016 or later (64-bit)", True, None),
    ],
)
def test_what_is_converted_and_what_is_out_of_support(text: str, converts: bool, ended: bool | None) -> None:
    found = guest_of(text, None)
    assert (found.converts, found.out_of_support) == (converts, ended)


def test_nothing_said_is_unknown_and_not_other() -> None:
    assert guest_of(None, None) is UNKNOWN and UNKNOWN.converts is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_has_an_answer(tools: str, configuration: str) -> None:
    assert guest_of(tools, configuration).family
