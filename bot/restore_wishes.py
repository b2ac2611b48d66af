"""What people wish of a restore: out of a sentence, into one that asks for the same, and as the choices of a card."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote, unquote

from bot.naming import marked
from engines.restore.addresses import STRATEGIES, Strategy
from engines.restore.designs import facts_for
from engines.restore.facts import Facts
from engines.restore.points import Point
from engines.restore.wishes import Disks, Macs, Mode, Wish
from intents.readings import Name

MODES: dict[Mode, str] = {"side_by_side": "side by side", "replace": "replace it", "attach": "volumes only"}
ADDRESSES: dict[Strategy, str] = {
    "new_ips": "new addresses", "try_same_ips": "the same where free", "same_ips_or_fail": "the same or nothing",
}  # fmt: skip
_MODE_WORDS = {"side_by_side": " side by side", "replace": " in place", "attach": ""}
_STRATEGY_WORDS = {"new_ips": "new ips", "try_same_ips": "try the same ips", "same_ips_or_fail": "same ips or fail"}
_MOST_POINTS = 20
_FLAGS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Wished:
    """The slots of a sentence that asks for a restore; None for what was not said."""

    snapshot: Name | None = None
    since: datetime | None = None
    until: datetime | None = None
    mode: str | None = None
    ip_strategy: str | None = None
    new_name: str | None = None
    volume: Name | None = None
    disks: str | None = None
    macs: str | None = None
    safety: bool | None = None
    stopped: bool | None = None
    password: bool | None = None
    copies: str | None = None


def changed(wish: Wish, said: Wished) -> Wish:
    """With what was said in place of what was wished before. A moment without an end is the state at that moment; a
    day is any time of it."""
    new: dict[str, Any] = {
        "mode": said.mode if said.mode in MODES else None,
        "strategy": said.ip_strategy if said.ip_strategy in STRATEGIES else None,
        "new_name": said.new_name,
        "volumes": (said.volume.name,) if said.volume else None,
        "disks": said.disks,
        "macs": said.macs,
        "safety": said.safety,
        "stopped": said.stopped,
        "password": said.password,
        "copies": said.copies if said.copies == "backup" else None,
    }
    found = replace(wish, **{name: value for name, value in new.items() if value is not None})
    if said.disks or said.mode == "attach":
        found = replace(found, volumes=found.volumes if said.volume else (), disks=cast(Disks, said.disks or ""))
    if said.snapshot is not None:
        return replace(found, snapshot=said.snapshot.id or said.snapshot.name, since=None, until=None, at=None)
    if said.since is None and said.until is None:
        return found
    at = said.since if said.until is None else None
    return replace(found, snapshot="", since=None if at else said.since, until=said.until, at=at)


def sentence(verb: str, vm: str, wish: Wish, facts: Facts, point: Point) -> str:
    """What asks for exactly this: `verb` is "restore" or "plan a restore of", `vm` the words that mean the VM."""
    when = when_words(point, facts_for(facts, wish).points, facts.vm.source)
    of = f"{verb} {_only(wish, facts)}{vm} from {when}{_MODE_WORDS[wish.mode]}"
    if wish.mode == "attach":
        return of
    named = f" as {wish.new_name}" if wish.new_name and wish.mode == "side_by_side" else ""
    more = [_STRATEGY_WORDS[wish.strategy]] if wish.strategy else []
    more += [f"with {'the same' if wish.macs == 'same' else 'new'} macs"] if wish.macs else []
    more += ["snapshot it first"] if wish.safety else []
    more += ["leave it stopped"] if wish.stopped else []
    more += ["reset the password"] if wish.password else []
    return f"{of}{named}{''.join(f', {one}' for one in more)}"


def _only(wish: Wish, facts: Facts) -> str:
    if wish.mode != "attach":
        return ""
    if wish.volumes:
        names = {disk.volume_id: disk.name for disk in (*facts.recipe.disks, *facts.recipe.former)}
        return f"only the volume {names.get(wish.volumes[0]) or wish.volumes[0]} of "
    return f"only the {f'{wish.disks} volume' if wish.disks else 'volumes'} of "


def when_words(point: Point, points: Sequence[Point], source: str) -> str:
    """To the minute; a point that shares its minute with another by a copy in it."""
    minute = f"{point.at:%Y-%m-%d %H:%M}"
    same = [one for one in points if f"{one.at:%Y-%m-%d %H:%M}" == minute]
    copy = next((one for one in point.copies.values() if one.id == point.key), None)
    if len(same) < 2 or copy is None:
        return minute
    kind = "volume_backup" if copy.origin == "backup" else "snapshot"
    return marked(kind, copy.name or copy.id, source, copy.id)


def vm_words(facts: Facts) -> str:
    """Words that mean this VM alone. One that is gone has no id that could be said, only its name."""
    recipe = facts.recipe
    return recipe.name if recipe.deleted else marked("vm", recipe.name, recipe.source, recipe.vm_id)


def tokens(wish: Wish, before: Wish) -> str:
    """What is wished otherwise than before, as a button carries it: `mode=replace strategy=new_ips`."""
    told = [(one.name, getattr(wish, one.name)) for one in fields(wish)]
    return " ".join(
        f"{name}={_token(value)}" for name, value in told if name in _CARRIED and value != getattr(before, name)
    )


_CARRIED = ("mode", "strategy", "new_name", "snapshot", "volumes", "safety", "disks", "macs", "stopped", "password")


def _token(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(quote(str(one), safe="") for one in value)
    return quote(str(value or ""), safe="")


def with_tokens(wish: Wish, told: str) -> Wish:
    """Raises ValueError on what no button of ours carries."""
    found: dict[str, Any] = {}
    for one in told.split():
        name, mark, value = one.partition("=")
        if name not in _CARRIED or not mark:
            raise ValueError(f"{one[:60]} is no wish")
        found[name] = _value(name, value)
    if "snapshot" in found:
        found |= {"since": None, "until": None, "at": None}
    return replace(wish, **found)


_ALLOWED: dict[str, frozenset[str]] = {
    "mode": frozenset(MODES), "strategy": frozenset({"", *STRATEGIES}), "disks": frozenset({"", "data", "root"}),
    "macs": frozenset({"", "same", "new"}), "safety": frozenset(_FLAGS), "stopped": frozenset(_FLAGS),
    "password": frozenset(_FLAGS),
}  # fmt: skip


def _value(name: str, value: str) -> Any:
    if name in _ALLOWED and value not in _ALLOWED[name]:
        raise ValueError(f"{name}={value[:60]} is no wish")
    if name in ("safety", "stopped", "password"):
        return _FLAGS[value]
    if name == "volumes":
        return tuple(unquote(one) for one in value.split(",") if one)
    return (unquote(value) or None) if name == "strategy" else unquote(value)


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that could be wished otherwise."""

    label: str
    wish: Wish
    hint: str = ""


def options(facts: Facts, wish: Wish, point: Point) -> Iterator[tuple[str, list[Option]]]:
    """What else could be wished, by question; what would mean nothing here is not offered."""
    recipe = facts.recipe
    modes = [one for one in MODES if one != wish.mode and not (recipe.deleted and one != "side_by_side")]
    yield "How", [Option(MODES[one], _in_mode(wish, one)) for one in modes if one != "attach" or recipe.disks]
    if wish.mode != "attach":
        others = [one for one in STRATEGIES if one != wish.addresses]
        yield "Addresses", [Option(ADDRESSES[one], replace(wish, strategy=one)) for one in others]
    yield "From", list(_points(facts_for(facts, wish).points, wish, point))
    yield "Also", list(_more(facts, wish))


def _in_mode(wish: Wish, mode: Mode) -> Wish:
    """Addresses, and what belongs to one mode alone, do not go over to another."""
    kept = replace(wish, mode=mode, strategy=None)
    if mode != "replace":
        kept = replace(kept, safety=False)
    return kept if mode == "attach" else replace(kept, disks="", volumes=())


def _points(points: Sequence[Point], wish: Wish, point: Point) -> Iterator[Option]:
    for one in [one for one in points if one.key != point.key][:_MOST_POINTS]:
        label = f"{one.at:%Y-%m-%d %H:%M} UTC"
        yield Option(label, replace(wish, snapshot=one.key, since=None, until=None, at=None), one.words)


def _more(facts: Facts, wish: Wish) -> Iterator[Option]:
    if wish.mode == "attach":
        found: dict[Disks, str] = {"": "all volumes", "data": "the data volumes", "root": "the root volume"}
        for disks, label in found.items():
            if wish.volumes or disks != wish.disks:
                yield Option(label, replace(wish, disks=disks, volumes=()))
        return
    if wish.mode == "replace":
        label = "no safety snapshot" if wish.safety else "snapshot it first"
        yield Option(label, replace(wish, safety=not wish.safety))
    yield Option("let it run" if wish.stopped else "leave it stopped", replace(wish, stopped=not wish.stopped))
    label = "keep the passwords" if wish.password else "reset the password"
    yield Option(label, replace(wish, password=not wish.password))
    if facts.recipe.deleted:  # the MACs of one that lives are its own, or go over with its ports
        macs: Macs = "" if wish.macs == "new" else "new"
        yield Option("new MACs" if macs else "the same MACs", replace(wish, macs=macs))
