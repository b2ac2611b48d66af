"""What a kind and a field are, and the fields that many kinds share."""

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "int", "float", "flag", "time", "list", "map", "mib", "gib", "bytes"]
Mask = Literal["", "name", "ip", "mac", "id", "mail"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind. `where` is the JSON column that holds it."""

    name: str
    title: str
    type: Type = "text"
    where: Literal["attrs", "derived"] = "attrs"
    mask: Mask = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource. `columns` is the list view; `size` the field that "largest" sorts by.

    `filters` are the slots of the catalogue that make sense for it: any other recognised filter is an error to be
    said, never ignored. `states` are the canonical states that it can have.
    """

    name: str
    singular: str
    plural: str
    fields: tuple[Field, ...]
    columns: tuple[str, ...]
    filters: frozenset[str]
    states: tuple[str, ...] = ()
    size: str = ""

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)


PROJECT = (
    Field("project", "project", "text", "derived", "name"),
    Field("domain", "domain", "text", "derived", "name"),
)
CREATED = (Field("created", "created", "time"),)
STATE = (Field("state", "state"), Field("status", "cloud status"))
DESCRIPTION = (Field("description", "description", "text", "attrs", "name"),)
SCOPED = frozenset({"platform", "project", "domain", "since", "until"})
PLAIN = frozenset({"platform", "since", "until"})
