"""A new password, shown to whoever asked for it: once, in private, and never kept as it is read."""

from datetime import datetime

from bot.deciding import REVEAL, Pressed, button
from bot.handlers.asking import Ask
from bot.replies import Choice, Choices, Outcome, Reply, Secret, Text
from engines.changes.freezes import stamp
from engines.restore.working import password_by_hand
from storage import audit, passwords, requests
from storage.passwords import KEEP, Reset
from storage.requests import Request

_KEEP_MIN = int(KEEP.total_seconds() // 60)
_FOR = "It is for the administrator inside of the VM: root, or Administrator, where the image names nobody else."
_NOW = "Keep it where you keep passwords, now: it is deleted here, and nobody can be shown it again."
_UNSURE = "Nobody knows whether the cloud took it, for its answer was lost: try it."


async def reveal(ask: Ask, pressed: Pressed) -> Reply:
    """The password, or why there is none to be shown and what to do."""
    request = await requests.find(ask.conn, pressed.ref)
    if request is None or request.asker != ask.who.id:
        await _record(ask, request, "not_allowed")
        told = "Only whoever asked for the restore is shown its password."
        return _plain(told, "Ask for a restore with a new password of your own.", "not_allowed")
    reset = await passwords.found(ask.conn, request.job_id, lock=True) if request.job_id else None
    if reset is None or reset.asker != ask.who.id:
        return _plain(f"{request.name} has set no password.", f"See what came of it: show {request.name}")
    why = _nothing_to_show(reset, ask.now)
    if why:
        return _plain(*why, demo=_demo(request))
    return await _shown(ask, request, reset)


def show_once(request: Request) -> Choice:
    """What brings it, on the asker's own card or message."""
    return button("show the password once", REVEAL, request.token)


def _nothing_to_show(reset: Reset, now: datetime) -> tuple[str, str] | None:
    """What is told in its place, and what to do; None: it can be shown."""
    again = f"Set another one: {password_by_hand(reset.vm_id)}, or ask for the restore again."
    if reset.state == "refused":
        return "No new password was set: the VM has that of its time.", again
    if reset.is_over:
        return "There is no password any more: what the restore had made was taken away again.", "Ask for it again."
    if reset.ended_at is None:
        return "The restore is not done yet.", "The password can be shown when it is."
    if reset.shown_at is not None:
        return f"It was shown to you {stamp(reset.shown_at)}, and deleted then: it is shown once.", again
    if not reset.can_be_shown(now):
        told = f"Nobody looked at it within {_KEEP_MIN} minutes after the restore was done, so it was deleted."
        return told, again
    return None


async def _shown(ask: Ask, request: Request, reset: Reset) -> Reply:
    """Where others could see it, or it would be kept on its way, there is only the button."""
    vm = str(request.plan["options"].get("new_name") or "the VM")
    lead = Text(f"The new password of {vm}", "heading")
    if not ask.unseen:
        until = reset.ended_at + KEEP if reset.ended_at else ask.now
        told = Text(f"It can be shown to you once, until {stamp(until)}.")
        return Reply((lead, told, Choices((show_once(request),))), private=True, demo=_demo(request))
    from engines.sealing import UnreadableError, about  # loads slowly, and is needed for nothing else

    try:
        if ask.reader is None:
            raise UnreadableError
        password = ask.reader.open(reset.sealed, about(reset.job_id, reset.vm_id))
    except UnreadableError:
        await _record(ask, request, "failed")
        if await passwords.is_alive(ask.conn, reset.reader):
            held = "Another process of Stackhand holds its key."
            return _plain(held, "Press again in a moment.", demo=_demo(request))
        gone = "It cannot be shown: Stackhand was restarted since it was asked for, and its key was in memory alone."
        fix = f"Set another one: {password_by_hand(reset.vm_id)}, or ask for the restore again."
        return _plain(gone, fix, demo=_demo(request))
    await passwords.shown(ask.conn, reset.job_id, ask.now)
    await _record(ask, request, "done")
    doubt = (Text(_UNSURE, "warning"),) if reset.state == "unsure" else ()
    shown = (lead, Secret("password", password), *doubt, Text(_FOR), Text(_NOW, "warning"))
    return Reply(shown, private=True, demo=_demo(request))


async def _record(ask: Ask, request: Request | None, outcome: str) -> None:
    await audit.record(
        ask.conn, person=ask.who.id, action="password.shown", target=request.name if request else "",
        outcome=outcome, at=ask.now,
    )  # fmt: skip


def _demo(request: Request) -> bool:
    return bool(request.plan.get("demo"))


def _plain(what: str, fix: str, outcome: Outcome = "failed", *, demo: bool = False) -> Reply:
    return Reply((Text(what, "heading"), Text(fix)), outcome, private=True, demo=demo)
