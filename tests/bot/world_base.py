"""How the rows of the small world are made."""

from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from engines.clouds import Resource

PCD, LAB = "pcd-1", "lab-2"
Rows = dict[str, list[Resource]]
STATES = ("on", "off", "error", "paused", "suspended", "building", "shelved", "unknown")


def uid(name: str) -> str:
    return str(uuid5(NAMESPACE_DNS, name))


def project_id(name: str) -> str:
    return uid(f"project {name}").replace("-", "")


def mac(ip: str) -> str:
    return "fa:16:" + ":".join(f"{int(part):02x}" for part in ip.split("."))


def own(kind: str, name: str, project: str | None, external_id: str = "", **attrs: Any) -> Resource:
    """A resource of a project; its id is made from kind, project and name."""
    owner = project_id(project) if project else None
    return Resource(kind, external_id or uid(f"{kind} {project} {name}"), name, owner, attrs)
