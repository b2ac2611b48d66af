"""The actions of restores."""

from engines.actions import Action
from engines.restore.building import Port, Server, ServerActive, Volume, VolumesReady
from engines.restore.checking import Check
from engines.restore.finishing import Attach, Report, Verify
from engines.restore.keeping import DeleteKept, Halt, Keep
from engines.restore.resetting import Password
from engines.restore.switching import Floating, FreePort, Rename, Safety, SafetyReady, Stop
from engines.restore.working import Pace


def actions_of(pace: Pace) -> tuple[Action, ...]:
    return (
        Check(pace), Safety(pace), SafetyReady(pace), Volume(pace), VolumesReady(pace), Stop(pace), Rename(pace),
        FreePort(pace), Port(pace), Server(pace), ServerActive(pace), Floating(pace), Attach(pace), Verify(pace),
        Report(pace), Keep(pace), Halt(pace), DeleteKept(pace), Password(pace),
    )  # fmt: skip


ACTIONS = actions_of(Pace())
