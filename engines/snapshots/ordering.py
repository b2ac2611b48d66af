"""What a step is asked to copy, as its arguments say."""

from datetime import datetime

from engines.actions import Doing
from engines.snapshots.making import Item, Order
from engines.snapshots.naming import job_run


def order_of(doing: Doing) -> Order:
    """What the step's arguments say; raises KeyError or TypeError on what no plan of ours wrote."""
    told = doing.step.arguments
    due = told.get("due")
    return Order(
        told["source"],
        told["project_id"],
        told["policy"],
        told.get("run") or job_run(doing.job_id),
        told.get("by", ""),
        tuple(Item(**item) for item in told["volumes"]),
        datetime.fromisoformat(due) if due else None,
    )
