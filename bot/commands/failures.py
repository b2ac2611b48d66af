"""How a command ends badly: one line on stderr that says what happened, to what, and what to do now."""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class Failure(Exception):  # noqa: N818 - how a command ends, not a fault of the program
    """An expected end: `what` happened, to what; `fix` is what to do now. No secrets in either."""

    def __init__(self, what: str, fix: str = "", code: int = FAILED) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix
        self.code = code


def guarded(work: Callable[[], int], arguments: Sequence[str] = ()) -> int:
    """Run a command; its exit code. Nothing that it raises reaches the terminal as a traceback.

    `arguments` are the command's, to find the state directory that an unexpected failure is written down in.
    """
    try:
        return work()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader (`| head`) has gone: nothing more to say, and nowhere to say it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        code = error.code if isinstance(error, Failure) else FAILED
        return say(_expected(error) or _unexpected(error, crash_log(_state_dir(arguments))), code)


def say(line: str, code: int = FAILED) -> int:
    print(f"stackhand: {_one_line(line)}", file=sys.stderr)  # noqa: T201
    return code


def _one_line(text: str) -> str:
    from bot.redaction import hide

    return hide("".join(c for c in " ".join(text.split()) if c.isprintable()))


def _expected(error: Exception) -> str:
    """The line of an error that says what happened and how to mend it, as all of ours do; empty for any other."""
    what, fix = getattr(error, "what", None) or getattr(error, "detail", None), getattr(error, "fix", None)
    if not isinstance(what, str) or not isinstance(fix, str):
        return ""
    return f"{what.rstrip('.')}. {fix[:1].upper()}{fix[1:]}" if fix else what


def _unexpected(error: Exception, path: Path) -> str:
    """Keeps the traceback in a file of the state directory, under an id that the user can quote."""
    from bot.redaction import hide

    id_ = token_hex(4)
    trace = hide("".join(traceback.format_exception(error)))
    line = f"something unexpected went wrong ({type(error).__name__}, id {id_})"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat()} id={id_}\n{trace}\n")
    except OSError:
        return f"{line}; its details could not be kept in {path}. Report it with what you did."
    return f"{line}. The details are in {path}: report it with them."


def _state_dir(arguments: Sequence[str]) -> Path | None:
    """What --state-dir says, also when the command failed before its options were read."""
    for at, argument in enumerate(arguments):
        option, _, value = argument.partition("=")
        if option == "--state-dir":
            return Path(value or next(iter(arguments[at + 1 :]), ".")).absolute()
    return None


def crash_log(state_dir: Path | None = None) -> Path:
    """Where the tracebacks of commands are kept: in the state directory, as far as it is known."""
    from storage.embedded import default_state_dir

    return Path(state_dir or os.environ.get("STACKHAND_STATE_DIR") or default_state_dir()) / "errors.log"
