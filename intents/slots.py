"""From a scene and an intent to slot values: names, filters, numbers, times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from intents import specials, texts
from intents.hits import Hit
from intents.readings import Evidence, Name
from intents.registry import Intent
from intents.scenes import Scene
from intents.times import find_times, iso, merge

# slot -> kinds of names that may fill it, the likeliest first
NAME_KINDS: Mapping[str, tuple[str, ...]] = {
    "vm": ("vm",), "project": ("project",), "domain": ("domain",), "host": ("host",), "cluster": ("cluster",),
    "network": ("network",), "volume": ("volume",), "user": ("user", "owner"), "owner": ("owner", "user"),
    "flavor": ("flavor",), "image": ("image",), "policy": ("policy",), "runbook": ("runbook",), "report": ("report",),
    "tenant": ("tenant",), "cohort": ("cohort",), "wave": ("wave",), "migration": ("migration",),
    "snapshot": ("snapshot", "volume_backup"), "role": ("role",), "tag": ("tag",), "event": ("event",),
}  # fmt: skip
# slot -> the lexicon's slot whose values it takes
_VALUE_SLOTS = {
    "platform": "platform", "state": "state", "metric": "metric", "sort": "sort", "os": "os", "format": "format",
    "severity": "severity", "owner_kind": "owner_kind", "profile": "profile", "risk": "risk", "field": "field",
    "ip_strategy": "ip_strategy",
}  # fmt: skip
# slots that only their own filler may fill
_OWN = frozenset({("approval_list", "mine"), ("approval_list", "waiting"), ("top", "metric"), ("top", "by"),
                  ("help", "text"), ("runbook_list", "text"), ("quota_set", "value"),
                  ("create", "name"), ("create", "kind"), ("migration_map", "network"), ("migration_map", "tenant"),
                  ("migration_scope", "vm"), ("migration_scope", "tenant"), ("migration_depend", "on_off"),
                  ("restore", "new_name"), ("wave_build", "count"),
                  ("restore", "volume"), ("restore_plan", "volume")})  # fmt: skip
_CODES = {"request": "request", "job": "job"}
# what a slot explains in a sentence, for scoring
EXPLAINS: Mapping[str, tuple[str, ...]] = {
    "kind": ("k",), "name": ("@", "k", "unknown", "quoted"), "query": ("@", "quoted", "unknown", "ip", "mac", "uuid"),
    "since": ("time",), "until": ("time",), "owner": ("@owner", "@user"), "user": ("@user", "@owner", "k:user"),
    "tenant": ("@tenant", "k:tenant", "k:project"), "project": ("@project", "k:project"),
    "target": ("@network", "@project", "@domain", "TARGET"), "tag": ("@tag", "TAG"), "sort": ("sort", "TOP"),
    "mode": ("restore_mode", "move"), "strategy": ("strategy", "wave_strategy"), "masked": ("MASKED",),
    "waiting": ("WAITING",), "mine": ("MINE",), "limit": ("num",), "count": ("num",),
    "value": ("num", "gib", "vcpus", "VALUE", "ip", "mac"),
    "retention": ("RETENTION", "num"), "dry_run": ("DRY", "REAL"), "hard": ("HARD",), "vcpus": ("vcpus", "size"),
    "memory_gb": ("gib", "size"), "bandwidth_gbps": ("gbps",), "vms_per_day": ("PERDAY", "num"),
    "port": ("service", "k:port"),
    "by": ("PER", "k"), "time": ("clock", "time"), "days": ("days",), "channel": ("channel", "THISCHANNEL"),
    "policy": ("@policy", "POLICY", "k:snapshot_policy"), "after": ("@vm",),
    "snapshot": ("@snapshot", "@volume_backup", "k:snapshot"),
}  # fmt: skip


@dataclass
class Filling:
    """Slots while they are being found; `used` marks hits (by index) that filled one, `choices` same-named objects."""

    slots: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, Name] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    choices: dict[str, tuple[Name, ...]] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)

    def put(self, slot: str, value: Any, words: str) -> None:
        self.slots[slot] = value
        self.evidence.append(Evidence(words, slot))


def fill(intent: Intent, scene: Scene) -> Filling:
    filling = Filling()
    for own in specials.SPECIAL.get(intent.name, ()):
        own(scene, filling)
    for slot in intent.slots:
        if slot not in filling.slots and (intent.name, slot) not in _OWN:
            _fill_slot(intent, slot, scene, filling)
    if "since" in intent.slots and "since" not in filling.slots:
        _fill_times(intent, scene, filling)
    texts.finish(intent, scene, filling)
    allowed = {*intent.slots, *(("until",) if "since" in intent.slots else ())}
    filling.slots = {slot: value for slot, value in filling.slots.items() if slot in allowed}
    return filling


def _fill_slot(intent: Intent, slot: str, scene: Scene, filling: Filling) -> None:
    if slot in NAME_KINDS:
        _fill_name(slot, scene, filling, intent)
    elif slot in _VALUE_SLOTS:
        _fill_value(slot, _VALUE_SLOTS[slot], scene, filling)
    elif slot in _CODES:
        _fill_code(slot, scene, filling)
    elif slot in texts.FILLERS:
        texts.FILLERS[slot](scene, filling)


def _fill_name(slot: str, scene: Scene, filling: Filling, intent: Intent) -> None:
    for kind in NAME_KINDS[slot]:
        best = _pick(slot, kind, scene, filling, intent)
        if best is not None:
            take_hit(slot, kind, best, scene, filling)
            return


def _pick(slot: str, kind: str, scene: Scene, filling: Filling, intent: Intent) -> int | None:
    """The first hit of that kind that is free and not claimed by the noun beside it for another kind."""
    options = []
    for at, hit in enumerate(scene.hits):
        if at in filling.used or not hit.of(kind) or _said_already(scene, at, filling):
            continue
        noun = noun_beside(scene, hit)
        if not hit.sure and kind in _SURE_KINDS and noun != kind and _describes(scene, hit):
            continue
        if slot == "owner" and kind == "user" and _before(scene, hit) in {"on", "in", "at", "from"}:
            continue  # a place, no person
        if slot == "user" and hit.of("role") and noun != "user" and _WHO & set(scene.folds):
            continue  # "who is admin": the role, where a user bears the name too
        others = {name.kind for name in hit.names} - {kind}
        if noun and noun != kind and noun in others and (kind, noun) != ("tenant", "project"):
            continue
        options.append((0 if noun == kind else 1, 0 if hit.sure else 1, at))
    return min(options)[2] if options else None


def _said_already(scene: Scene, at: int, filling: Filling) -> bool:
    """The same name twice in a message is one object, not its project and then its domain."""
    hit = scene.hits[at]
    said = scene.folds[hit.start : hit.end]
    return any(scene.folds[scene.hits[i].start : scene.hits[i].end] == said for i in filling.used)


def take_hit(slot: str, kind: str, at: int, scene: Scene, filling: Filling) -> None:
    hit = scene.hits[at]
    names = narrow(hit.of(kind), scene)
    name = names[0]
    if slot == "owner" and kind == "user":
        names = tuple(n for n in scene.names.like(name.name.lower()) if n.kind == "owner") or names
        name = names[0]
    filling.used.add(at)
    filling.objects[slot] = name
    filling.put(slot, name.name, words_of(scene, hit.start, hit.end))
    if len(names) > 1:
        filling.choices[slot] = names
    others = tuple(n for n in hit.names if n.kind != kind and n.kind in {"project", "domain", "vm", "host", "network"})
    if others and kind in {"project", "domain"} and not noun_beside(scene, hit) and slot in {"project", "domain"}:
        filling.choices[slot] = (*names, *(n for n in others if n.kind in {"project", "domain"}))
        if len(filling.choices[slot]) == 1:
            del filling.choices[slot]
    if not hit.certain:
        filling.unsure.add(slot)


def narrow(names: tuple[Name, ...], scene: Scene) -> tuple[Name, ...]:
    """Of several with one name, those in the project that was said too."""
    if len(names) < 2:
        return names
    projects = {name.name for hit in scene.hits for name in hit.of("project")}
    inside = tuple(name for name in names if name.project in projects)
    return inside or names


def noun_beside(scene: Scene, hit: Hit) -> str:
    """The kind whose noun stands next to a name ("project acme", "the acme domain")."""
    for mention in scene.mentions:
        if hit.start != mention.end and hit.end != mention.start:
            continue
        kinds = [sense.value for sense in mention.senses if sense.concept.startswith("k:")]
        for kind in kinds:
            if kind == "tenant" or any(name.kind == kind for name in hit.names):
                return kind
    return ""


def _before(scene: Scene, hit: Hit) -> str:
    return scene.folds[hit.start - 1] if hit.start else ""


def _describes(scene: Scene, hit: Hit) -> bool:
    """ "public networks", "a demo": the word of the language, not the name."""
    before = _before(scene, hit)
    nouns = {
        m.start for m in scene.mentions if any(s.concept.startswith("k:") and s.value != "quota" for s in m.senses)
    }
    said = before in {"is", "are"} and any(
        m.end == hit.start - 1 and any(s.value == name.kind for s in m.senses for name in hit.names)
        for m in scene.mentions
    )
    return said or hit.end in nouns or before in {"a", "an", "any", "some"}


_SURE_KINDS = frozenset({"project", "domain", "network", "user", "owner", "image", "flavor", "cluster"})
_WHO = frozenset({"who", "whom", "which", "anyone", "anybody", "everyone", "everybody", "people", "users"})
_OPPOSITE = {"on": "off", "off": "on", "attached": "unattached", "unattached": "attached"}
_NOT = frozenset({"not", "non", "isn't", "aren't", "isnt", "arent", "without", "except", "excluding", "non-"})
_BARE_STATES = frozenset({"on", "off", "down", "up", "free", "loose", "live", "connected", "mounted", "locked"})
_BE = frozenset({"is", "are", "be", "was", "were", "being", "currently", "still", "that's", "all", "switched", "turned",
                 "powered", "which", "those", "the", "now"})  # fmt: skip


def state_said(scene: Scene, start: int, end: int) -> bool:
    """A small word ("on", "off", "down") is a state only where one can stand."""
    if scene.folds[end : end + 1] == ("to",) and any(scene.named[end + 1 : end + 3]):
        return False  # "attached to web-01": which ones, not in which state
    if end - start > 1 or scene.folds[start] not in _BARE_STATES:
        return True
    tails = {m.tail for m in scene.mentions if m.tail >= 0}
    nouns = {
        at for m in scene.mentions if any(s.concept.startswith("k:") for s in m.senses) for at in range(m.start, m.end)
    }
    before = scene.folds[start - 1] if start else ""
    last = end >= len(scene.tokens) or scene.tokens[end].kind == "mark"
    noun = end in nouns or (start - 1 in nouns and (last or scene.folds[start] not in {"on"}))
    return start not in tails and ((before in _BE and (last or scene.folds[start] != "on" or end in nouns)) or noun)


def _denied(scene: Scene, at: int) -> str:
    """The negation before a value ("not on vmware", "without windows"), or ""."""
    for back in (1, 2):
        word = scene.folds[at - back] if at >= back else ""
        if word in _NOT:
            return word
        if word not in {"on", "in", "of", "from", "the"}:
            return ""
    return ""


def _fill_value(slot: str, concept: str, scene: Scene, filling: Filling) -> None:
    if slot == "state" and any(s.value == "host_down" for m in scene.mentions_of("event") for s in m.senses):
        filling.put(slot, "down", "down")  # "hosts are down" is also the name of an event
        return
    for mention in scene.mentions_of(concept):
        if slot == "state" and not state_said(scene, mention.start, mention.end):
            continue
        said = words_of(scene, mention.start, mention.end)
        denied = _denied(scene, mention.start)
        if denied:
            value = next(s.value for s in mention.senses if s.concept == concept)
            if slot == "state" and value in _OPPOSITE:
                filling.put(slot, _OPPOSITE[value], f"{denied} {said}")
            else:
                filling.evidence.append(Evidence(f"{denied} {said}", f"unused:not {slot} {value}"))
            continue
        for sense in mention.senses:
            if sense.concept == concept:
                filling.put(slot, sense.value, words_of(scene, mention.start, mention.end))
                return


def _fill_code(slot: str, scene: Scene, filling: Filling) -> None:
    for token in scene.tokens:
        if token.kind == slot:
            digits = "".join(c for c in token.fold if c.isdigit())
            filling.put(slot, f"{'REQ' if slot == 'request' else 'JOB'}-{int(digits)}", token.text)
            return


_OF_A_DAY = frozenset({"restore", "restore_plan"})


def _is_from(scene: Scene, at: int) -> bool:
    return scene.folds[at] in {"from", "of"}


def _fill_times(intent: Intent, scene: Scene, filling: Filling) -> None:
    spans = scene.spans
    if intent.name == "freeze":
        spans = find_times(scene.tokens, scene.now, future=True)
    since, until = merge(spans)
    if intent.name in _OF_A_DAY and since and until is None and _is_from(scene, spans[0].start) and not since.hour:
        until = since + timedelta(days=1)  # "from friday" is the backup of that day
    if since and not (intent.name == "freeze" and since == scene.now):
        filling.put("since", iso(since), words_of(scene, spans[0].start, spans[0].end))
    if (until and (until < scene.now or intent.name == "freeze")) or (until and until >= scene.now and since is None):
        filling.put("until", iso(until), words_of(scene, spans[-1].start, spans[-1].end))


def words_of(scene: Scene, start: int, end: int) -> str:
    return scene.text[scene.tokens[start].start : scene.tokens[end - 1].end]
