"""What a change that OpenStack did not do means: may it have happened all the same, and what to do now."""

import shlex
from dataclasses import dataclass

import requests
from keystoneauth1 import exceptions as keystone
from urllib3.exceptions import MaxRetryError, NewConnectionError

from engines.clouds.acting import ActError, ActReason
from engines.clouds.openstack_errors import (
    SERVICES,
    BrokenAnswerError,
    HttpError,
    explain,
    is_cut,
    one_line,
    reason_of,
    status_of,
)

_BUSY = ("status", "invalid volume", "invalid snapshot", "in use", "in progress", "is locked", "must be")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call was made: `user` is the service user as commands name it, `entry` its name in clouds.yaml."""

    source: str
    entry: str
    project_id: str
    user: str = ""

    def grant(self, role: str = "member") -> str:
        """The command that gives the service user its role in the project."""
        return f"openstack role add {self.user or '--user SERVICE_USER'} --project {quoted(self.project_id)} {role}"


def quoted(name: str) -> str:
    """A name as a word of a command: what somebody called a project must not become a command of its own."""
    return shlex.quote(one_line(name))


def act_error(error: BaseException, service: str, place: Place, *, sent: bool) -> ActError:
    """`sent`: the request for the change had begun, so that the cloud may have done it when its answer is missing."""
    if isinstance(error, ActError):
        return error
    status = status_of(error)
    if status is not None:
        return _of_status(error, status, service, place, sent=sent)
    reached = sent and not never_sent(error)
    reason = _reason(error)
    detail = explain(error, service)
    if reached:
        detail = one_line(f"{detail}; the request had been sent")
    return ActError(reason, detail, _fix(reason, service, place, unsure=reached), maybe_done=reached)


def _reason(error: BaseException) -> ActReason:
    if isinstance(error, BrokenAnswerError):
        return "unexpected"
    if isinstance(error, keystone.ConnectTimeout) and never_sent(error):
        return "unreachable"
    if is_cut(error):
        return "unreachable"
    found = reason_of(error)
    known: dict[str, ActReason] = {"refused": "refused", "timeout": "timeout", "unreachable": "unreachable"}
    return known.get(found, "unexpected")


def never_sent(error: BaseException) -> bool:
    """Whether it is certain that the request did not leave: no connection was made, or no service was found."""
    if isinstance(error, keystone.EndpointNotFound | keystone.DiscoveryFailure | keystone.AuthPluginException):
        return True
    origin = error.__context__
    if isinstance(origin, requests.exceptions.ConnectTimeout):
        return True
    if isinstance(origin, requests.exceptions.SSLError):
        return "certificate" in str(origin).lower()
    if isinstance(origin, requests.exceptions.ConnectionError) and origin.args:
        cause = origin.args[0]
        cause = cause.reason if isinstance(cause, MaxRetryError) else cause
        return isinstance(cause, NewConnectionError)  # a name that is not resolved is one of them
    return False


def _of_status(error: BaseException, status: int, service: str, place: Place, *, sent: bool) -> ActError:
    words = error.text.lower() if isinstance(error, HttpError) else ""
    wait = (error.retry_after_s or 0.0) if isinstance(error, HttpError) else 0.0
    reason = _reason_of_status(status, words)
    unsure = sent and (status >= 500 or status == 408)
    detail = explain(error, service)
    return ActError(reason, detail, _fix(reason, service, place, unsure=unsure), maybe_done=unsure, retry_after_s=wait)


def _reason_of_status(status: int, words: str) -> ActReason:
    over = "quota" in words or "limitexceeded" in words
    if status == 413 or (status in (403, 409) and over and "exceed" in words):
        return "over_limit"
    if status == 409 or (status == 400 and any(word in words for word in _BUSY)):
        return "busy"
    known: dict[int, ActReason] = {
        401: "refused",
        403: "refused",
        404: "gone",
        408: "timeout",
        410: "gone",
        429: "throttled",
        502: "unreachable",
        503: "unreachable",
        504: "timeout",
    }
    return known.get(status, "unexpected")


def _fix(reason: ActReason, service: str, place: Place, *, unsure: bool) -> str:
    name = SERVICES.get(service, service)
    if unsure:
        return f"look whether {name} did it before it is asked again"
    fixes: dict[ActReason, str] = {
        "refused": place.grant(),
        "over_limit": f"raise the quota of project {place.project_id}, or delete what it no longer needs",
        "gone": "sync the source: it was deleted, or belongs to another project",
        "busy": "wait until what is under way with it has ended, then ask again",
        "unreachable": f"check that the endpoint of {name} in the catalogue answers from this machine",
        "timeout": f"check the load of {name}",
        "throttled": f"wait, and ask {name} less often",
        "unexpected": f"check the log of {name}",
    }
    return fixes[reason]
