"""A directory of people (LDAP, Active Directory): who is in which of the groups that stand for roles."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from storage.people import Grant


class DirectoryError(Exception):
    """The directory was not read, and nothing was changed: `what` happened, and how to `fix` it. No secrets in it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix


@dataclass(frozen=True, slots=True)
class GroupRole:
    """A group, by its DN or its common name, and the role that its members get: everywhere, or on one place."""

    group: str
    role: str
    source: str | None = None
    domain_id: str | None = None
    project_id: str | None = None

    @property
    def grant(self) -> Grant:
        return Grant(self.role, self.source, self.project_id, self.domain_id, via="directory")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in at least one of the groups, directly or through other groups. `entry_id` is the directory's own id
    of the entry, which a rename leaves as it is; `groups` are named as they were asked for."""

    id: str
    entry_id: str
    name: str
    email: str | None
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Members:
    """All of them; and a line for each entry that cannot be taken, which counts as not there."""

    people: tuple[Member, ...]
    left_out: tuple[str, ...] = ()


class Directory(Protocol):
    def members(self, groups: Collection[str]) -> Members:
        """Everybody in these groups. Blocks for as long as the directory takes. Raises DirectoryError."""
        ...
