"""A new password for the administrator inside of the VM that was made, through the cloud's own means.

The password is in this process for as long as the call takes, and then only sealed for the process that whoever asked
talks to. Whatever goes wrong here is told and undoes nothing: the VM is back, with the password of that time.
"""

from dataclasses import dataclass

import structlog

from engines.actions import Doing, Result
from engines.clouds.acting import ActError
from engines.restore.working import Pace, Site, made_by, password_by_hand, site_of, wait, waited
from engines.sealing import about, new_password, seal
from storage import passwords

log = structlog.get_logger(__name__)
HIDDEN = "(hidden)"
_LEFT = "the processes that could show it have ended since this was asked for, so the password was left as it is"


@dataclass(frozen=True, slots=True)
class Password:
    """Its result says `password`: set, unsure or refused, and `why`. A silent guest agent is waited for as long as a
    silent console is: it starts late."""

    pace: Pace
    name: str = "restore.password"

    async def look(self, doing: Doing) -> Result | None:
        """Set already, by an attempt that died before this was on record."""
        async with doing.database.connect() as conn:
            found = await passwords.found(conn, doing.job_id)
        return _told("set") if found is not None and found.state == "set" else None

    async def act(self, doing: Doing) -> Result:
        site, vm_id, key = await site_of(doing), made_by(doing, "server"), str(doing.step.arguments["reader"])
        async with doing.database.connect() as conn:
            alive = await passwords.is_alive(conn, key)
        password = new_password()
        sealed = _sealed(password, key, about(doing.job_id, vm_id)) if alive else None
        if sealed is None:
            return _told("refused", _LEFT, password_by_hand(vm_id))
        async with doing.database.begin() as conn:
            await passwords.keep(conn, doing.job_id, vm_id, key, sealed)
        error = await _set(site, vm_id, password)
        if error is not None and _is_worth_another(error) and await waited(doing) < self.pace.console_s:
            raise await wait(doing, self.pace, f"the guest agent does not answer yet ({error.reason})")
        state: passwords.State = "set" if error is None else "unsure" if error.maybe_done else "refused"
        async with doing.database.begin() as conn:
            await passwords.settle(conn, doing.job_id, state)
        return _told(state, error.detail if error else "", password_by_hand(vm_id) if error else "")

    async def undo(self, doing: Doing, result: Result) -> None:
        """The VM whose password it is goes by itself."""


def _sealed(password: str, key: str, what: str) -> bytes | None:
    """None for a key that is none."""
    try:
        return seal(password, key, what)
    except ValueError:
        return None


async def _set(site: Site, vm_id: str, password: str) -> ActError | None:
    """None: it is set. The cloud may repeat what it was sent: the password is taken out of its words."""
    try:
        await site.servers.change_password(site.project_id, vm_id, password)
    except ActError as error:
        detail, fix = (text.replace(password, HIDDEN) for text in (error.detail, error.fix))
        return ActError(error.reason, detail, fix, maybe_done=error.maybe_done)
    except Exception as error:  # its text may hold anything: only its kind is told
        log.error("password.fault", vm=vm_id, error=type(error).__name__)
        return ActError("unexpected", f"something unexpected went wrong ({type(error).__name__})", maybe_done=True)
    return None


def _is_worth_another(error: ActError) -> bool:
    return error.maybe_done or error.reason in ("busy", "throttled", "unreachable", "timeout")


def _told(state: str, why: str = "", fix: str = "") -> Result:
    return {"password": state, "why": why, "fix": fix, "counts": {}}
