"""A request that its asker wants otherwise: never altered, always withdrawn for a new one."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.changes.decisions import withdraw
from engines.changes.submitting import submit
from engines.changes.voices import Asker, Place, Refused, Submitted, Voter
from engines.plans import Plan
from storage import audit, requests


async def resubmit(
    conn: AsyncConnection, ref: int, plan: Plan, asker: Asker, place: Place, voter: Voter, now: datetime | None = None
) -> Submitted:
    """The new request, with the old one withdrawn in the same transaction; refused, the old one stands as it was.

    The row of the old one is held from the first look on: nobody decides on it meanwhile.
    """
    await audit.lock(conn)
    old = await requests.find(conn, ref, lock=True)
    if old is None or old.asker != asker.person:
        return Submitted(None, Refused("not_yours", "Only whoever asked can change it.", "Ask for your own."))
    if old.state != "pending" or old.overdue:
        state = "expired" if old.overdue else old.state
        return Submitted(None, Refused("late", f"{old.name} is {state} already: nothing was changed.", "Ask anew."))
    if plan.digest == old.digest:
        return Submitted(None, Refused("changed", f"It is what {old.name} asks for already.", "Nothing was changed."))
    done = await submit(conn, plan, asker, place, now)
    if done.request is not None:
        await withdraw(conn, old.id, voter, now)
    return done
