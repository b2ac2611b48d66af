"""Slots of the migration intents: waves, cohorts, mappings, scope, order, what-if."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from intents.hits import Hit
from intents.items import EDGES, item_run
from intents.numbers_near import number_near
from intents.readings import Name
from intents.scenes import Scene
from intents.texts import put_text, unnamed_words, value_of, words
from intents.times import find_times, iso, merge

if TYPE_CHECKING:
    from intents.slots import Filling

Fill = Callable[[Scene, "Filling"], None]


_WAVE_ASIDE = (
    ("fail", r"\b(?:as|to) failed\b"),
    (
        "reopen",
        r"\b(?:off hold|re-?open|release|un-?hold|resume|un-?cancel|reinstate|re-?plan|(?:as|to) planned)\b",
    ),
    ("hold", r"\b(?:hold|pauses?|suspend|held)\b"),
    ("cancel", r"\b(?:cancel\w*|call(?:ed)?\b.*\boff|abort|scrap|scratch)\b"),
)


def wave_advance(scene: Scene, filling: "Filling") -> None:
    if scene.mentions_of("WAVEHALT") or scene.mentions_of("WAVEBACK"):
        for to, pattern in _WAVE_ASIDE:
            if match := re.search(pattern, scene.text, re.IGNORECASE):
                filling.put("to", to, match[0])
                return
    for concept, value in (("CONFIRM", "confirm"), ("COMPLETED", "complete"), ("BEGIN", "start")):
        for mention in scene.mentions_of(concept):
            if not any(hit.start <= mention.start < hit.end for hit in scene.hits):
                filling.put("to", value, words(scene, mention.start, mention.end))
                return


def wave_check(scene: Scene, filling: "Filling") -> None:
    waves = {at for hit in scene.hits if hit.of("wave") for at in range(hit.start, hit.end)}
    run = item_run(scene.tokens, waves | {m.start for m in scene.mentions if m.repaired in EDGES})
    if run:
        said = words(scene, *run).strip("\"'`")
        filling.put("item", scene.as_meant(*run).strip("\"'`").lower(), said)
    off = scene.mentions_of("UNTICK")
    source = off or scene.mentions_of("TICK") or scene.mentions_of("TICKVERB")
    filling.put("on_off", "off" if off else "on", words(scene, source[0].start, source[0].end) if source else "")


def _named_pair(scene: Scene, kinds: frozenset[str]) -> list[tuple[int, Hit]]:
    return [(at, hit) for at, hit in enumerate(scene.hits) if any(name.kind in kinds for name in hit.names)]


def migration_map(scene: Scene, filling: "Filling") -> None:
    """Source and target in order, unless "as target", "target for" turns it round."""
    pairs = _named_pair(scene, frozenset({"tenant", "network", "project", "domain"}))
    tenants = [(at, hit) for at, hit in pairs if hit.of("tenant")]
    turned = re.search(
        r"\b(?:as|is|be|becomes)\s+(?:the\s+)?(?:target|destination)\b"
        r"|\bfor\s+(?:source\s+)?(?:tenant|network|vlan)\b|\breceives?\b|\btakes?\b",
        scene.text,
        re.IGNORECASE,
    )
    ordered = pairs[::-1] if turned and len(pairs) > 1 else pairs
    source = tenants[0] if tenants else next(((at, hit) for at, hit in ordered if hit.of("network")), None)
    if source is None:
        return
    kind = "tenant" if source[1].of("tenant") else "network"
    name = source[1].of(kind)[0]
    filling.used.add(source[0])
    filling.objects[kind] = name
    filling.put(kind, name.name, words(scene, source[1].start, source[1].end))
    rest = [(at, hit) for at, hit in ordered if at != source[0]]
    _put_target(scene, filling, kind, rest)


def _put_target(scene: Scene, filling: "Filling", kind: str, rest: list[tuple[int, Hit]]) -> None:
    match = re.search(
        r"\b(?:domain|project)\s+\S+(?:\s+(?:and\s+)?(?:domain|project)\s+\S+)?\s*$",
        scene.text.strip(" .!"),
        re.IGNORECASE,
    )
    free = unnamed_words(scene)
    if kind == "tenant" and match and free:
        put_text(filling, "target", match[0])
    elif rest:
        at, hit = rest[-1] if len(rest) == 1 else rest[0]
        name: Name = next((n for n in hit.names if n.kind in {"network", "project", "domain"}), hit.names[0])
        filling.used.add(at)
        filling.objects["target"] = name
        filling.put("target", name.name, words(scene, hit.start, hit.end))
    elif free:
        filling.put("target", scene.tokens[free[0]].text, scene.tokens[free[0]].text)


def migration_scope(scene: Scene, filling: "Filling") -> None:
    """A tenant, or one VM, or several; in or out, unless something else is said of them."""
    tenants = [(at, hit) for at, hit in enumerate(scene.hits) if hit.of("tenant")]
    vms = [(at, hit) for at, hit in enumerate(scene.hits) if hit.of("vm")]
    if tenants:
        _put_name(scene, filling, "tenant", *tenants[0])
    elif vms:
        _put_name(scene, filling, "vm", *vms[0])
        filling.unsure |= {"vm" for _, hit in vms if not hit.certain}
        names = list(dict.fromkeys(hit.of("vm")[0].name for _, hit in vms))
        filling.used |= {at for at, _ in vms}
        if len(names) > 1:
            filling.put("vms", names, ", ".join(words(scene, hit.start, hit.end) for _, hit in vms))
    filling.used |= {at for at, hit in enumerate(scene.hits) if hit.of("migration") or hit.of("wave")}
    said = [_put_mode(scene, filling), _put_priority(scene, filling), _put_status(scene, filling)]
    if not any(said):
        _put_in_out(scene, filling)


def _put_name(scene: Scene, filling: "Filling", slot: str, at: int, hit: Hit) -> None:
    name = hit.of(slot)[0]
    filling.used.add(at)
    filling.objects[slot] = name
    filling.put(slot, name.name, words(scene, hit.start, hit.end))
    if not hit.certain:
        filling.unsure.add(slot)


_AUTO = re.compile(r"\b(?:automatic(?:ally)?|auto(?: mode)?|as (?:the rules say|computed)|by the rules)\b", re.I)
_PRIORITY = re.compile(r"\bprio(?:rity)?\b(?:\s+of\s+[^,]*?)?\s*(?:to|=|:|is|as|number|no\.?)?\s*(\d{1,6})\b", re.I)
_LEADING = re.compile(r"\b(?:top|highest|first)\s+prio(?:rity)?\b|\bprio(?:rity)?\b.*\bto (?:top|highest)\b", re.I)
_NO_PRIORITY = re.compile(r"\b(?:no|without(?: a)?|normal|remove the|clear the)\s+(?:migration )?prio(?:rity)?\b"
                          r"|\bprio(?:rity)?\b.*\bto none\b", re.I)  # fmt: skip
_STATUS: Sequence[tuple[str, re.Pattern[str]]] = tuple(
    (value, re.compile(rf"\b(?:{said})\b", re.IGNORECASE))
    for value, said in (
        ("open", r"off hold|no longer on hold|(?:as|to) (?:open|not ready|not done)"),
        ("hold", r"on hold"),
        ("cut_over", r"(?:as|to|is|are) (?:now )?(?:cut[- ]?over|migrated|moved)|cut[- ]?over"),
        ("copying", r"(?:as|to|is|are) (?:now )?(?:being copied|copying|in copy)|copying"),
        ("failed", r"(?:as|to|is|are) (?:now )?failed"),
        ("skipped", r"(?:as|to|is|are) (?:now )?skipped"),
        ("ready", r"(?:as|to) ready"),
        ("done", r"(?:as|to) (?:already )?done"),
    )
)


def _put_mode(scene: Scene, filling: "Filling") -> bool:
    for mention in scene.mentions_of("move"):
        filling.put("mode", value_of(mention, "move"), words(scene, mention.start, mention.end))
        return True
    match = _AUTO.search(scene.text)
    if match:
        filling.put("mode", "auto", match[0])
    return match is not None


def _put_priority(scene: Scene, filling: "Filling") -> bool:
    if match := _NO_PRIORITY.search(scene.text):
        filling.put("priority", 0, match[0])
    elif match := _LEADING.search(scene.text):
        filling.put("priority", 1, match[0])
    elif match := _PRIORITY.search(scene.text):
        filling.put("priority", int(match[1]), match[0])
    return match is not None


def _put_status(scene: Scene, filling: "Filling") -> bool:
    for value, pattern in _STATUS:
        if match := pattern.search(scene.text):
            filling.put("status", value, match[0])
            return True
    return False


def _put_in_out(scene: Scene, filling: "Filling") -> None:
    out = [m for m in scene.mentions for s in m.senses if s.concept in {"EXCLUDE", "OUTSCOPE"} and not m.filler]
    inside = [m for m in scene.mentions for s in m.senses if s.concept in {"INCLUDE", "INSCOPE"} and not m.filler]
    weight_out, weight_in = (max((m.weight for m in found), default=0.0) for found in (out, inside))
    if max(weight_out, weight_in) > 0:
        found = out if weight_out >= weight_in else inside
        filling.put("in_out", "out" if found is out else "in", words(scene, found[0].start, found[0].end))


_FIRST = re.compile(r"\b(before|earlier than|prior to|ahead of|precedes?)\b", re.IGNORECASE)
_SECOND = re.compile(
    r"\b(after|depends? (?:up)?on|depending on|dependent on|needs?|waits? for|wait for|requires?|behind|later than"
    r"|follows?|once|relies on|until|dependency|dependence)\b",
    re.IGNORECASE,
)


def migration_depend(scene: Scene, filling: "Filling") -> None:
    """`vm` waits, `after` goes first. "A before B" and "first A, then B": B waits; "A depends on B": A waits."""
    found = [(at, hit) for at, hit in enumerate(scene.hits) if hit.of("vm")]
    if len(found) < 2:
        return
    (first_at, first), (second_at, second) = found[0], found[1]
    between = " ".join(scene.folds[first.end : second.start])
    lead = " ".join(scene.folds[: first.start])
    after = " ".join(scene.folds[second.end :])
    waits_first = _waits_first(lead, between, after)
    order = [(first_at, first), (second_at, second)] if waits_first else [(second_at, second), (first_at, first)]
    for slot, (at, hit) in zip(("vm", "after"), order, strict=True):
        name = hit.of("vm")[0]
        filling.used.add(at)
        filling.objects[slot] = name
        filling.put(slot, name.name, words(scene, hit.start, hit.end))
        if len(hit.of("vm")) > 1:
            filling.choices[slot] = hit.of("vm")
        if not hit.certain:
            filling.unsure.add(slot)
    if parted := _PARTED.search(scene.text):
        filling.put("on_off", "off", parted[0])


_PARTED = re.compile(
    r"\b(?:no longer|does(?:n['’]?t| not)|do(?:n['’]?t| not)|need not|needn['’]?t)\s+(?:have to |has to )?"
    r"(?:depends?|needs?|waits?|requires?|rely|relies)\b|\b(?:remove|drop|delete|forget|clear|undo)\b.*\bdependen\w+",
    re.IGNORECASE,
)


def _waits_first(lead: str, between: str, after: str) -> bool:
    """Does the vm that was said first wait?"""
    if re.search(r"\bdependenc\w+ of\s*$", lead):
        return True
    if _SECOND.search(between):
        return not re.search(r"\bmust not\b", between)
    if _FIRST.search(between):
        return bool(re.search(r"\b(?:not|never|can't|cannot|mustn't)\b", between, re.IGNORECASE))
    if re.search(
        r"\b(before|after)\s*$|\b(before|after)\s+(?:we |you )?(?:move|migrate|moving|migrating)?\s*$", lead, re.I
    ):
        return bool(re.search(r"\bbefore\b", lead, re.I)) and not re.search(r"\bafter\b", lead, re.I)
    if re.search(r"\b(first|before)\b", after, re.I) and not re.search(r"\bfirst\b", lead, re.I):
        return not re.search(r"\bthen\b", between, re.I)
    return False


_DEADLINE = re.compile(r"\b(?:done|finish(?:ed)?|ready|completed?|over|through|deadline|end)\b", re.IGNORECASE)


def _put_deadline(scene: Scene, filling: "Filling") -> None:
    """ "to be done by 1 March": a day that stands behind "by", "until" or "before"."""
    if not _DEADLINE.search(scene.text):
        return
    for span in find_times(scene.tokens, scene.now, future=True):
        before = {scene.folds[at] for at in (span.start - 1, span.start) if at >= 0}
        since, until = merge([span])
        moment = until or since
        if before & {"by", "until", "till", "before"} and moment is not None and moment > scene.now:
            filling.put("until", iso(moment), words(scene, span.start, span.end))
            return


def migration_estimate(scene: Scene, filling: "Filling") -> None:
    _put_deadline(scene, filling)
    agents = number_near(
        scene, frozenset({"agent", "agents", "worker", "workers", "movers", "mover"}), before=2, after=2
    )
    if agents:
        filling.put("agents", agents[0], words(scene, agents[1], agents[2]))
    match = re.search(
        r"(\d{1,2}|"
        + "|".join(_NUMBERS)
        + r")\s*-?\s*(?:h|hrs?|hours?)\s*(?:a|per|/|each|every|daily)\s*(?:day|night)?"
        r"|(\d{1,2})\s*h/d|(\d{1,2})[- ]hour\s+(?:day|window|shift|night)s?",
        " ".join(scene.folds),
        re.IGNORECASE,
    )
    if match:
        said = next(group for group in match.groups() if group)
        filling.put("hours_per_day", int(said) if said.isdigit() else _NUMBERS[said.lower()], match[0])
    elif re.search(r"around the clock|24/7|day and night|non-?stop", scene.text, re.IGNORECASE):
        filling.put("hours_per_day", 24, "around the clock")


_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
            "ten": 10, "eleven": 11, "twelve": 12, "sixteen": 16, "twenty": 20}  # fmt: skip


_FIRST_LAST: Mapping[str, Sequence[tuple[str, re.Pattern[str]]]] = {
    "strategy": (
        (
            "riskiest_last",
            re.compile(r"\b(?:risk\w*|hard\w*|difficult|danger\w*|red)\b[\w ]{0,20}\b(?:last|end)\b", re.I),
        ),
        (
            "easiest_first",
            re.compile(r"\b(?:eas\w+|simpl\w+|low[- ]risk|green|harmless)\b[\w ]{0,20}\b(?:first|start)\b", re.I),
        ),
    ),
    "wave_strategy": (
        ("pilot_first", re.compile(r"\bpilot\b[\w ]{0,14}\b(?:first|ahead|start|front|before)\b", re.I)),
        ("dependency_ordered", re.compile(r"\bdependenc\w+\b[\w ]{0,14}\b(?:first|order\w*|respected)\b", re.I)),
    ),
}  # "the riskiest machines last": other words may stand between


def strategy(concept: str) -> Fill:
    def put(scene: Scene, filling: "Filling") -> None:
        for value, pattern in _FIRST_LAST[concept]:
            if match := pattern.search(scene.meant):
                filling.put("strategy", value, match[0])
                return
        for mention in scene.mentions_of(concept):
            filling.put("strategy", value_of(mention, concept), words(scene, mention.start, mention.end))
            return

    return put


def cohort_build(scene: Scene, filling: "Filling") -> None:
    strategy("strategy")(scene, filling)
    count = number_near(scene, frozenset({"cohort", "cohorts", "batches", "buckets", "groups"}), before=0, after=3)
    count = count or next(
        ((a.value, a.start, a.end) for a in scene.amounts if a.kind == "number" and scene.folds[a.start] != "one"), None
    )
    if count:
        filling.put("count", count[0], words(scene, count[1], count[2]))


def wave_build(scene: Scene, filling: "Filling") -> None:
    strategy("wave_strategy")(scene, filling)
    for amount in scene.amounts:
        if amount.kind in {"number", "times"}:
            filling.put("vms_per_day", amount.value, words(scene, amount.start, amount.end))
            return


def migration_vms(scene: Scene, filling: "Filling") -> None:
    for mention in scene.mentions_of("move"):
        filling.put("mode", value_of(mention, "move"), words(scene, mention.start, mention.end))
        return
