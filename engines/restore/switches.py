"""Whether restores are on, looked at once more when an approved one begins: an admin may have switched them off."""

from engines.plans import Plan
from engines.restore.wishes import House
from storage.restores import KINDS

_DRILL = "restore_drill"


def shut(house: House, plan: Plan) -> tuple[str, str] | None:
    """Why a restore may not begin, and what to do; None for one that may, and for any other change."""
    off = sorted({target.source for target in plan.targets if not house.may_run_on(target.source)})
    if plan.kind not in (*KINDS, _DRILL) or not off:
        return None
    what = f"Restores were switched off for {', '.join(off)} since this was asked for: nothing was begun."
    clouds = ",".join(sorted({source.partition("/")[0] for source in off}))
    return what, f"an admin sets STACKHAND_RESTORE_EXECUTE={clouds}; then ask for it again"
