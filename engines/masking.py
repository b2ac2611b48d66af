"""Masked exports: names, addresses, ids and mails become tokens, the same for the same thing throughout."""

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from engines.inventory.fields import Mask as MaskKind
from engines.inventory.kinds import KINDS

Cell = Any
_MAC = re.compile(r"(?<![0-9a-f:])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-f:])", re.IGNORECASE)
_MAIL = re.compile(r"[^\s@<>,;:()\[\]\"']+@[^\s@<>,;:()\[\]\"']*\w")
_IP4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\d.])")
_IP6 = re.compile(r"(?<![\w:])(?=[0-9a-f:]*:[0-9a-f]*:)[0-9a-f:]{3,39}(?:/\d{1,3})?(?![\w:])", re.IGNORECASE)
_UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE)
_PATTERNS: tuple[tuple[re.Pattern[str], MaskKind], ...] = (
    (_MAIL, "mail"),
    (_UUID, "id"),
    (_MAC, "mac"),
    (_IP4, "ip"),
    (_IP6, "ip"),
)
_ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})  # says that it is open, and nothing about anybody
_ATOM = re.compile(r"[^\W_]+|[\W_]")  # a run of letters and digits, or one character of anything else
_MOST_ATOMS = 64  # of a name that is found again in free text
_APART = frozenset(",;()[]{}<>\"'=")
# Words of the inventory itself: a VM that is called "error" must not change what the state column says.
_OWN_WORDS = frozenset({s for kind in KINDS.values() for s in kind.states} | set(KINDS) | {"openstack", "vmware"})


class Masked(Protocol):
    """What must be known of a column: its name, and how it is hidden ("" for not at all)."""

    @property
    def name(self) -> str: ...
    @property
    def mask(self) -> MaskKind: ...


class Mask:
    """One export's tokens: `name-19c05a3e77b0`, `ip-3f2a…`, `mac-…`, `id-…`, `mail-…`.

    A token is a keyed hash of the value, so it is the same on every sheet; without the key, which is random unless
    given and never written, it can neither be turned back nor guessed from a list of names. Nothing is stored.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._tokens: dict[str, str] = {}
        self._names: set[tuple[str, ...]] = set()  # as atoms
        self._lengths: dict[str, set[int]] = {}  # how many atoms the names have that start with this one

    def token(self, value: str, kind: MaskKind) -> str:
        """One value has one token, in whatever column and spelling it stands; what it looks like goes before `kind`.

        The length of a range stays: `ip-3f2a…/24`.
        """
        kind = _looks_like(value) or kind
        folded = _folded(value, kind)
        if kind == "ip" and "/" in folded:
            address, _, length = folded.partition("/")
            return value if folded in _ANYWHERE else f"{self.token(address, 'ip')}/{length}"
        found = self._tokens.get(folded)
        if found is None:
            digest = hmac.new(self._key, folded.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
            found = self._tokens[folded] = f"{kind}-{digest[:12]}"
        return found

    def rows(self, columns: Sequence[Masked], rows: Iterable[Sequence[Cell]]) -> list[tuple[Cell, ...]]:
        """The rows with what the columns declare hidden; names found there are hidden in the other texts too.

        Sheets of one export go through one Mask; give those first that hold the names.
        """
        given = [tuple(row) for row in rows]
        for place, column in enumerate(columns):
            if column.mask == "name":
                for text in (text for row in given for text in _texts(row[place])):
                    self._learn(text)
        return [tuple(self._cell(v, c.mask, c.name) for v, c in zip(row, columns, strict=True)) for row in given]

    def _learn(self, name: str) -> None:
        atoms = tuple(atom.casefold() for atom in _ATOM.findall(name.strip()))
        if 0 < len(atoms) <= _MOST_ATOMS:
            self._names.add(atoms)
            self._lengths.setdefault(atoms[0], set()).add(len(atoms))

    def _cell(self, value: Cell, kind: MaskKind, column: str) -> Cell:
        if isinstance(value, str):
            return self._hidden(value, kind, column)
        if isinstance(value, Mapping):
            return {self._cell(k, kind, column): self._cell(v, kind, column) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._cell(one, kind, column) for one in value]
        return value

    def _hidden(self, value: str, kind: MaskKind, column: str) -> str:
        if not value.strip() or value in _ANYWHERE:
            return value
        if kind == "":
            return self.text(value)
        if kind == "ip":
            found = self._patterns(value)
            return self._known(found) if found != value else self.token(value, "ip")
        if kind == "name" and "=" in value and column in ("metadata", "properties"):
            return "=".join(self.token(part, "name") if part else part for part in value.split("=", 1))
        if kind == "name" and column == "vm" and ", " in value:  # several names in one cell
            return ", ".join(self.token(part, "name") for part in value.split(", "))
        return self.token(value, kind)

    def text(self, value: str) -> str:
        """Free text with every mail, id, MAC, address and known name in it hidden."""
        return value if value.casefold() in _OWN_WORDS else self._known(self._patterns(value))

    def _patterns(self, value: str) -> str:
        for pattern, kind in _PATTERNS:
            value = pattern.sub(lambda match, kind=kind: self._matched(match.group(), kind), value)  # type: ignore[misc]
        return value

    def _matched(self, value: str, kind: MaskKind) -> str:
        return value if kind == "ip" and not _is_address(value) else self.token(value, kind)

    def _known(self, value: str) -> str:
        """The text with tokens for the names in it, beside whatever punctuation; the longest that fits is taken."""
        if not self._names:
            return value
        atoms: list[str] = _ATOM.findall(value)
        folded = tuple(atom.casefold() for atom in atoms)
        out, place = [], 0
        while place < len(atoms):
            length = self._longest(folded, place)
            out.append(self.token("".join(atoms[place : place + length]), "name") if length else atoms[place])
            place += length or 1
        return "".join(out)

    def _longest(self, atoms: tuple[str, ...], place: int) -> int:
        """How many atoms the longest known name has that starts there; 0: none does."""
        for length in sorted(self._lengths.get(atoms[place], ()), reverse=True):
            name = atoms[place : place + length]
            if name in self._names and (_is_telling(name) or _stands_alone(atoms, place, length)):
                return length
        return 0


def _texts(value: Cell) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for one in value.values() for text in _texts(one))
    elif isinstance(value, (list, tuple)):
        yield from (text for one in value for text in _texts(one))


def _is_telling(name: tuple[str, ...]) -> bool:
    """False for "7" or "db": inside other words they are parts of versions, times and devices."""
    text = "".join(name)
    return len(text) > 2 and not text.isdigit()


def _stands_alone(atoms: tuple[str, ...], place: int, length: int) -> bool:
    before, after = atoms[place - 1 : place] if place else (), atoms[place + length : place + length + 1]
    return all(atom.isspace() or atom in _APART for atom in (*before, *after))


def _looks_like(value: str) -> MaskKind:
    """mail, id, mac or ip, when the whole value is one; "" otherwise."""
    text = value.strip()
    for pattern, kind in _PATTERNS:
        if pattern.fullmatch(text) and (kind != "ip" or _is_address(text)):
            return kind
    return ""


def _folded(value: str, kind: MaskKind) -> str:
    folded = value.strip().casefold()
    if kind == "mac":
        return folded.replace("-", ":")
    if kind == "id":
        return folded.replace("-", "") if _UUID.fullmatch(folded) else folded
    if kind == "ip" and "/" not in folded:
        try:
            return ipaddress.ip_address(folded).compressed
        except ValueError:
            return folded
    return folded


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return False
    return True
