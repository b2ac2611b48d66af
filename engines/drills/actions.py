"""The actions of drills."""

from engines.actions import Action
from engines.drills.building import Begin, Check, Network, Port, Subnet
from engines.drills.finishing import Active, Close, Remove, Report, Verify
from engines.drills.working import DrillPace, Finding
from engines.restore.building import Server, Volume, VolumesReady


def actions_of(pace: DrillPace) -> tuple[Action, ...]:
    """What a restore does is done by the restore's own steps, so that the drill proves these."""
    own = pace.restore
    of_a_vm: tuple[Action, ...] = (
        Begin(pace), Volume(own, "drill.volume"), VolumesReady(own, "drill.volumes_ready"), Port(pace),
        Server(own, "drill.server"), Active(pace), Verify(pace),
    )  # fmt: skip
    return (
        Check(pace), Network(pace), Subnet(pace), *(Finding(one, pace) for one in of_a_vm), Remove(pace), Close(pace),
        Report(pace),
    )  # fmt: skip


ACTIONS = actions_of(DrillPace())
