"""A plan as the chat makes it: what is known of the VM is read first."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.plans import Plan
from engines.restore.facts import facts_of
from engines.restore.planning import plan_of
from engines.restore.wishes import House, Wish
from storage.inventory import Found
from storage.scopes import Scope


async def plan_restore(
    conn: AsyncConnection, scope: Scope, vm: Found, wish: Wish, now: datetime, house: House, *, demo: bool = False
) -> Plan:
    return plan_of(await facts_of(conn, scope, vm, demo=demo), wish, now, house)
