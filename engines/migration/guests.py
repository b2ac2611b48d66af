"""Which operating system a VM runs, as far as an export says.

VMware Tools says what runs, the configuration file what was chosen when the VM was made; some texts name a range of
versions. Support ends and conversion limits are the makers' and virt-v2v's, restated.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Confidence = Literal["high", "medium", "low", "none"]
Origin = Literal["tools", "configuration", "none"]


@dataclass(frozen=True, slots=True)
class Guest:
    """`version` is "" when the text names none; `is_range` when it names several. `bits` is 0 when unsaid.

    `converts` says whether virt-v2v has it on its list, `out_of_support` whether its maker still mends it; None is
    unknown. `mtv` says whether the migration toolkit's own list of guests has it.
    """

    family: str
    name: str
    version: str
    bits: int
    is_range: bool
    confidence: Confidence
    origin: Origin
    converts: bool | None
    out_of_support: bool | None
    mtv: bool

    @property
    def is_windows(self) -> bool:
        return self.family == "windows"

    @property
    def is_linux(self) -> bool:
        return self.family in LINUX

    @property
    def label(self) -> str:
        return self.name or "unknown"


LINUX = frozenset(
    "rhel centos rocky alma oracle suse ubuntu debian fedora amazon alt scientific photon flatcar other-linux".split()  # noqa: SIM905
)
# The first that matches wins; \b keeps short words out of longer ones.
_FAMILIES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (family, re.compile(words, re.IGNORECASE))
    for family, words in (
        ("windows", r"\bwindows\b|\bwin(?:xp|nt|2k|20\d\d)"),
        ("rhel", r"\bred ?hat\b|\brhel\b"),
        ("centos", r"\bcentos\b"),
        ("rocky", r"\brocky\b"),
        ("alma", r"\balma ?linux\b"),
        ("oracle", r"\boracle (?:enterprise )?linux\b|\boracle \d"),
        ("solaris", r"\bsolaris\b|\bsunos\b"),
        ("suse", r"\bsuse\b|\bopensuse\b|\bsles\b"),
        ("ubuntu", r"\bubuntu\b"),
        ("debian", r"\bdebian\b"),
        ("fedora", r"\bfedora\b"),
        ("amazon", r"\bamazon linux\b"),
        ("scientific", r"\bscientific linux\b"),
        ("alt", r"\balt linux\b"),
        ("photon", r"\bphoton\b"),
        ("flatcar", r"\b(?:flatcar|coreos)\b"),
        ("freebsd", r"\b(?:free|open|net)bsd\b"),
        ("macos", r"\bmac ?os\b|\bdarwin\b"),
        ("netware", r"\bnetware\b"),
        ("esxi", r"\besxi?\b"),
        ("other-linux", r"\blinux\b"),
    )
)
_WINDOWS = re.compile(
    r"(?:server )?(2025|2022|2019|2016|2012 r2|2012|2008 r2|2008|2003|2000)\b|\b(vista|xp|nt|95|98|me|8\.1|\d{1,2})\b",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\d+(?:/\d+)+|or later", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\d.-])(\d{1,2}(?:\.\d{1,2})?)(?:\.\d+)*\b(?!-bit)")
_BITS = re.compile(r"\b(32|64)-?bit\b", re.IGNORECASE)
# Windows by age; what comes after "2012 r2" is still mended, Windows 10 is not any more.
_OLD_WINDOWS = frozenset({"95", "98", "me", "nt", "2000", "xp", "2003", "vista", "2008", "2008 r2", "7", "8", "8.1"})
_ENDED_WINDOWS = _OLD_WINDOWS | {"2012", "2012 r2", "10"}
_UNCONVERTED_WINDOWS = frozenset({"95", "98", "me", "nt", "2000"})
# The last version out of support, and the first that virt-v2v converts.
_ENDED = {"rhel": 7, "centos": 8, "oracle": 7, "suse": 11, "debian": 10, "ubuntu": 20.04, "scientific": 7, "fedora": 40}
_FIRST = {"rhel": 4, "centos": 4, "scientific": 4, "suse": 10, "alt": 9, "debian": 6, "ubuntu": 10.04}
_CONVERTED = frozenset({*_FIRST, "oracle", "fedora", "rocky", "alma"})
_UNCONVERTED = frozenset(
    {"solaris", "freebsd", "macos", "netware", "esxi", "photon", "flatcar", "other-linux", "other"}
)
_MTV_WINDOWS = frozenset({"10", "11", "2016", "2019", "2022", "2025"})
_VAGUE = frozenset({"other", "other-linux"})

UNKNOWN = Guest("unknown", "", "", 0, False, "none", "none", None, None, False)


@lru_cache(maxsize=4096)
def guest_of(tools: str | None, configuration: str | None) -> Guest:
    """Of the two texts of an export. Tools win, unless they say "Other" where the configuration knows more."""
    spoken, chosen = _parsed(tools), _parsed(configuration)
    if spoken is None and chosen is None:
        return UNKNOWN
    if spoken is None or (chosen is not None and spoken.family in _VAGUE and _knows_more(chosen, spoken)):
        assert chosen is not None
        vague = chosen.is_range or chosen.family in _VAGUE
        return _guest(chosen, "low" if vague else "medium", "configuration")
    vague = spoken.is_range or spoken.family in _VAGUE or not spoken.version
    return _guest(spoken, "medium" if vague else "high", "tools")


def _knows_more(chosen: "_Parsed", spoken: "_Parsed") -> bool:
    return chosen.family not in _VAGUE and (spoken.family == "other" or chosen.family in LINUX)


@dataclass(frozen=True, slots=True)
class _Parsed:
    family: str
    text: str
    version: str
    bits: int
    is_range: bool


def _parsed(text: str | None) -> _Parsed | None:
    if not text:
        return None
    family = next((name for name, pattern in _FAMILIES if pattern.search(text)), "other")
    bits = _BITS.search(text)
    version = _windows_version(text) if family == "windows" else _version(text)
    return _Parsed(family, text, version, int(bits[1]) if bits else 0, _RANGE.search(text) is not None)


def _windows_version(text: str) -> str:
    found = _WINDOWS.search(_BITS.sub("", text))
    return (found[1] or found[2]).lower() if found else ""


def _version(text: str) -> str:
    found = _NUMBER.search(_BITS.sub("", text))
    return found[1] if found else ""


def _guest(parsed: _Parsed, confidence: Confidence, origin: Origin) -> Guest:
    return Guest(
        family=parsed.family,
        name=parsed.text,
        version=parsed.version,
        bits=parsed.bits,
        is_range=parsed.is_range,
        confidence=confidence,
        origin=origin,
        converts=_converts(parsed),
        out_of_support=_out_of_support(parsed),
        mtv=_on_mtv_list(parsed),
    )


def _converts(parsed: _Parsed) -> bool | None:
    if parsed.family == "windows":
        return parsed.version not in _UNCONVERTED_WINDOWS
    if parsed.family in _UNCONVERTED:
        return False
    first = _FIRST.get(parsed.family)
    if first is not None and parsed.version:
        return parsed.is_range or _as_number(parsed) >= first
    return True if parsed.family in _CONVERTED else None


def _out_of_support(parsed: _Parsed) -> bool | None:
    """Of a range the oldest version counts; "or later" says nothing of what runs."""
    if "or later" in parsed.text.lower():
        return None
    if parsed.family == "windows":
        return parsed.version in _ENDED_WINDOWS if parsed.version else None
    last = _ENDED.get(parsed.family)
    return _as_number(parsed) <= last if last is not None and parsed.version else None


def _on_mtv_list(parsed: _Parsed) -> bool:
    if parsed.family == "windows":
        return parsed.version in _MTV_WINDOWS
    return parsed.family == "rhel" and bool(parsed.version) and not parsed.is_range and 7 <= _as_number(parsed) < 11


def _as_number(parsed: _Parsed) -> float:
    major, _, minor = parsed.version.partition(".")
    read: Callable[[str], float] = float
    return read(f"{major}.{minor}") if parsed.family == "ubuntu" and minor else read(major)
