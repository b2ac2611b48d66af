"""Entries of a directory, as the server gives them, and what they say of people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from engines.directory import Member
from storage.people import is_person_id

_ACCOUNT_DISABLED = 0x2  # of Active Directory's userAccountControl
ATTRIBUTES = ("cn", "displayName", "mail", "entryUUID", "objectGUID", "userAccountControl", "nsAccountLock",
              "pwdAccountLockedTime")  # fmt: skip
_LOCKED_FOR_GOOD = "000001010000Z"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; attribute names in lower case, values as they came."""

    dn: str
    attributes: Mapping[str, Sequence[bytes]]

    def texts(self, name: str) -> list[str]:
        return [value.decode("utf-8", "replace") for value in self.attributes.get(name.lower(), ())]

    def text(self, name: str) -> str:
        return next(iter(self.texts(name)), "")

    @property
    def id(self) -> str:
        """The id that the entry keeps when it is renamed or moved; the DN where the server has none."""
        guid = next(iter(self.attributes.get("objectguid", ())), b"")
        if len(guid) == 16:
            return str(UUID(bytes_le=bytes(guid)))
        return self.text("entryUUID").lower() or self.dn.casefold()

    @property
    def is_disabled(self) -> bool:
        control = self.text("userAccountControl")
        if control.isascii() and control.isdigit() and int(control) & _ACCOUNT_DISABLED:
            return True
        locked = self.text("pwdAccountLockedTime") == _LOCKED_FOR_GOOD
        return locked or self.text("nsAccountLock").lower() == "true"


def people_of(found: Iterable[tuple[Entry, frozenset[str]]], id_attribute: str) -> tuple[list[Member], list[str]]:
    """The people, and why others are none of them. An id that two entries bear is nobody's."""
    members: dict[str, list[Member]] = {}
    left_out: list[str] = []
    for entry, groups in found:
        id_ = entry.text(id_attribute)
        if entry.is_disabled:
            continue
        if not is_person_id(id_):
            left_out.append(f"{_shown(entry.dn)}: its {id_attribute} is missing, or cannot be a person's id")
            continue
        name = _shown(entry.text("displayName") or entry.text("cn") or id_)
        members.setdefault(id_.casefold(), []).append(Member(id_, entry.id, name, _email(entry), groups))
    left_out += [f"{same[0].id}: {len(same)} entries bear this id" for same in members.values() if len(same) > 1]
    return [same[0] for same in members.values() if len(same) == 1], left_out


def _email(entry: Entry) -> str | None:
    address = entry.text("mail").strip()
    return address if "@" in address and address.isprintable() and len(address) <= 320 else None


def _shown(text: str) -> str:
    return "".join(c for c in text if c.isprintable()).strip()[:200] or "without a name"
