"""`people sync`: people and roles out of the directory, now."""

from bot.app import open_storage, quiet_logs
from bot.commands.failures import Failure
from bot.directories import mapping_of, open_directory
from bot.settings import Settings
from engines.directory.sync import sync_directory


async def sync_now(settings: Settings, accept: bool) -> str:
    """What came of it. Raises Failure or DirectoryError, and has changed nothing then."""
    quiet_logs(settings)
    directory = open_directory(settings)
    if directory is None:
        raise Failure("no directory is set", "set STACKHAND_LDAP_URL and what belongs to it: see docs/people.md")
    async with open_storage(settings, visit=True) as storage:
        report = await sync_directory(
            storage.database, directory, mapping_of(settings), asked_by="local", accept=accept
        )
    if report is None:
        raise Failure("another sync is under way", "look again in a minute")
    lines = [
        f"{report.people} people in the groups: {report.added} new, {report.changed} changed, {report.gone} gone",
        *(f"  left out: {line}" for line in report.left_out),
    ]
    return "\n".join(lines)
