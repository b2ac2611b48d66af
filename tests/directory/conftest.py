"""The command line, as for the other tests of it."""

from tests.bot.conftest import run

__all__ = ["run"]
