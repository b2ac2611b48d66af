"""What every platform looks like from inside: a source that lists kinds of resources.

One module a platform. All of them map what they read to the fields that `engines/inventory/kinds.py`
declares, so that nothing above this floor knows a platform's own words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Reason = Literal["refused", "unreachable", "timeout", "cut_off", "unsupported", "unexpected"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One object of a cloud.

    `external_id` is unique in (source, kind). `project_id` is the external id of the owning project, None for
    what belongs to no project. `attrs` are the facts whose change is history; `derived` holds what is worked out
    or volatile (resolved names, usage, update times): shown and searched, but never history.
    Both follow `kinds.py` and hold JSON values only; times are ISO 8601 in UTC, `2026-11-22T09:00:00Z`.
    """

    kind: str
    external_id: str
    name: str
    project_id: str | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    derived: Mapping[str, Any] = field(default_factory=dict)


class CloudError(Exception):
    """A listing that did not come back whole.

    `detail` is one line without secrets for the operator; `fix` says what to do now.
    `rows` are those that came before the failure: good to show, never a base for deletions.
    """

    def __init__(self, reason: Reason, detail: str, fix: str = "", rows: Sequence[Resource] = ()) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail
        self.fix = fix
        self.rows = tuple(rows)


class Cloud(Protocol):
    """A source of resources. `source` names it in answers (`pcd-1`, or `pcd-1/RegionTwo`)."""

    @property
    def source(self) -> str: ...
    @property
    def platform(self) -> str:
        """openstack, vmware or nutanix."""

    @property
    def demo(self) -> bool:
        """True for a simulated platform; every surface then shows the label DEMO."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """What this source can list."""

    async def list(self, kind: str) -> Sequence[Resource]:
        """The complete listing of a kind, all projects, all pages; raises CloudError otherwise."""

    async def close(self) -> None: ...
