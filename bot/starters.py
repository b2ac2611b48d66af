"""What an empty conversation offers: questions that fit any inventory and show what there is to find."""

from bot.replies import Choice

STARTERS = (
    Choice("Give me the big picture", "give me the big picture"),
    Choice("Which VMs are in error?", "which vms are in error?"),
    Choice("What changed since yesterday?", "what changed since yesterday?"),
    Choice("Who is near a quota?", "which projects are near their quota?"),
    Choice("Open to the world?", "which security groups are open to the world?"),
    Choice("Do 10 more VMs fit?", "do 10 vms with 4 vcpu and 16 gb fit?"),
    Choice("What is lying around unused?", "list unattached volumes"),
    Choice("What can you do?", "help"),
)

DEMO_STARTERS = (
    Choice("Snapshot a VM", "snapshot web-01"),
    Choice("Bring a VM back", "restore shop-db-02 from yesterday"),
)
"""What only a demo offers: its invented cloud may be changed by anybody who looks around."""


def starters(*, demo: bool) -> tuple[Choice, ...]:
    """In a demo a few changes too, in the place of the last questions but one: the list keeps its length."""
    if not demo or not DEMO_STARTERS:
        return STARTERS
    return (*STARTERS[: -len(DEMO_STARTERS) - 1], *DEMO_STARTERS, STARTERS[-1])
