"""Options that several commands share, and the settings that they lead to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.settings import Settings

StateDir = Annotated[
    Path | None, typer.Option("--state-dir", help="The state directory of the embedded database.", show_default=False)
]
Demo = Annotated[bool, typer.Option("--demo", help="Use the demo's state directory, and no other database.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def settings_for(state_dir: Path | None = None, demo: bool = False, **given: object) -> "Settings":
    """The settings of a command. A state directory on the command line means its embedded database, none other."""
    from bot.settings import load_settings

    if state_dir is None and not demo:
        return load_settings(**given)
    settings = load_settings(**given, state_dir=state_dir or demo_dir())
    return settings.model_copy(update={"database_url": None, **(of_demo(settings) if demo else {})})


def of_demo(settings: "Settings") -> dict[str, str]:
    """What is on in a demo unless it was set: nothing in it is real, so that restores may run."""
    return {} if "restore_execute" in settings.model_fields_set else {"restore_execute": "*"}


def demo_dir() -> Path:
    """Beside the real state directory, so that invented machines never lie among real ones."""
    from storage.embedded import default_state_dir

    return default_state_dir().with_name("stackhand-demo")
