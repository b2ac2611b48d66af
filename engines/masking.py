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
_MAIL = re.compile(r"[^\s@<>,;:()\[\]\"']+@[^\s@<>,;:()\[\]\"']+")
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
_WORD = re.compile(r"[^\s,;()\[\]{}<>\"'=]+")
_MOST_WORDS = 6  # of a name that is found again in free text
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
        self._tokens: dict[tuple[str, str], str] = {}
        self._names: set[str] = set()

    def token(self, value: str, kind: MaskKind) -> str:
        """The same for two spellings of one address, MAC or id. The length of a range stays: `ip-3f2a…/24`."""
        folded = _folded(value, kind)
        if kind == "ip" and "/" in folded:
            address, _, length = folded.partition("/")
            return value if folded in _ANYWHERE else f"{self.token(address, 'ip')}/{length}"
        found = self._tokens.get((kind, folded))
        if found is None:
            digest = hmac.new(self._key, f"{kind}:{folded}".encode("utf-8", "surrogatepass"), hashlib.sha256)
            found = self._tokens[kind, folded] = f"{kind}-{digest.hexdigest()[:12]}"
        return found

    def rows(self, columns: Sequence[Masked], rows: Iterable[Sequence[Cell]]) -> list[tuple[Cell, ...]]:
        """The rows with what the columns declare hidden; names found there are hidden in the other texts too.

        Sheets of one export go through one Mask; give those first that hold the names.
        """
        given = [tuple(row) for row in rows]
        for place, column in enumerate(columns):
            if column.mask == "name":
                self._names.update(text.strip().casefold() for row in given for text in _texts(row[place]))
        self._names.discard("")
        return [tuple(self._cell(v, c.mask, c.name) for v, c in zip(row, columns, strict=True)) for row in given]

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
        """Names of up to a few words; the longest that fits is taken."""
        if not self._names:
            return value
        words = list(_WORD.finditer(value))
        out, done, place = [], 0, 0
        while place < len(words):
            end = self._longest(value, words, place)
            if end:
                start, stop = words[place].start(), words[end - 1].end()
                out.append(value[done:start] + self.token(value[start:stop], "name"))
                done = stop
            place = end or place + 1
        return "".join(out) + value[done:]

    def _longest(self, value: str, words: list[re.Match[str]], place: int) -> int:
        """The number of the word after the longest known name that starts at a word; 0: none does."""
        for end in range(min(len(words), place + _MOST_WORDS), place, -1):
            if value[words[place].start() : words[end - 1].end()].casefold() in self._names:
                return end
        return 0


def _texts(value: Cell) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for one in value.values() for text in _texts(one))
    elif isinstance(value, (list, tuple)):
        yield from (text for one in value for text in _texts(one))


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
