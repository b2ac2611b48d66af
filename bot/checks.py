"""The result of one look of the doctor."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """`detail` is what was seen; `fix` what to do now, empty when all is well."""

    name: str
    state: Literal["ok", "warning", "failed"]
    detail: str
    fix: str = ""


def ok(name: str, detail: str) -> Check:
    return Check(name, "ok", detail)


def warned(name: str, detail: str, fix: str) -> Check:
    return Check(name, "warning", detail, fix)


def failed(name: str, detail: str, fix: str) -> Check:
    return Check(name, "failed", detail, fix)
