"""Slots of single intents, where the place of a word in the sentence decides what it is."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from intents.items import EDGES, item_run
from intents.numbers_near import number_near
from intents.readings import Name
from intents.scenes import Hit, Scene
from intents.texts import flag, kinds_said, put_text, value_of, words

if TYPE_CHECKING:
    from intents.slots import Filling

Fill = Callable[[Scene, "Filling"], None]
_METRIC_KINDS = {"vm": "vms", "volume": "volumes", "snapshot": "snapshots", "network": "networks",
                 "floating_ip": "floating_ips"}  # fmt: skip
_NEW_NAME = re.compile(
    r"\b(?:as|call(?:ed)?(?: it)?|name(?:d)?(?: it)?|under the name(?: of)?|with the name|new name)\s*:?\s+"
    r"(?:a new vm (?:called|named)\s+)?[\"'`]?([A-Za-z0-9][\w.-]*[\w])[\"'`]?", re.IGNORECASE)  # fmt: skip
_SET_TO = frozenset({"to", "=", "->", "=>", "is", "really", "becomes", "with", "be", ":"})


def unnamed_words(scene: Scene) -> list[int]:
    """Tokens that may be a new name or value: what looks like a name first, then other unknown words."""
    return [*scene.namelike, *(at for at in scene.unknown if at not in scene.namelike)]


def word_after(scene: Scene, nouns: Sequence[str], skip: frozenset[str] = frozenset()) -> int | None:
    """The unknown word that follows one of these nouns, with at most "called", "named", a colon between them."""
    free = set(unnamed_words(scene))
    for at, fold in enumerate(scene.folds):
        if fold in nouns:
            there = at + 1
            while there < len(scene.folds) and scene.folds[there] in {"called", "named", ":", "name", "for", "new", "a"}:
                there += 1
            if there in free and there not in skip:
                return there
    return None


def metric_of(scene: Scene, filling: "Filling", kinds: bool) -> None:
    """cpu, memory, storage; cost; or, where `kinds`, a kind that is counted (vms, volumes, ...)."""
    if scene.has("COST"):
        mention = scene.mentions_of("COST")[0]
        filling.put("metric", "cost", words(scene, mention.start, mention.end))
        return
    for mention in scene.mentions_of("metric"):
        value = value_of(mention, "metric")
        said = words(scene, mention.start, mention.end)
        if value != "network" and not (kinds and said.lower() in {"disks"}):
            filling.put("metric", value, said)
            return
    if kinds:
        for mention, kind in kinds_said(scene):
            if kind in _METRIC_KINDS:
                filling.put("metric", _METRIC_KINDS[kind], words(scene, mention.start, mention.end))
                return


def top(scene: Scene, filling: "Filling") -> None:
    kinds = [(m, k) for m, k in kinds_said(scene) if k in {"vm", "project", "domain", "user", "host", "cluster", "volume"}]
    counted = None
    if not scene.has("COST"):
        metrics = [m for m in scene.mentions_of("metric") if value_of(m, "metric") != "network"]
        solo = [m for m in metrics if not any(s.concept.startswith("k:") for s in m.senses)] or metrics
        if solo:
            filling.put("metric", value_of(solo[0], "metric"), words(scene, solo[0].start, solo[0].end))
            kinds = [(m, k) for m, k in kinds if m.start != solo[0].start]
        else:
            counted = _counted(scene, kinds)
    if scene.has("COST"):
        metric_of(scene, filling, kinds=False)
    elif counted:
        filling.put("metric", _METRIC_KINDS[counted[1]], words(scene, counted[0].start, counted[0].end))
        kinds = [pair for pair in kinds if pair != counted]
    spoken = {m.end for m in scene.mentions_of("metric")}
    kinds = [(m, k) for m, k in kinds if not (k == "user" and m.start in spoken)]  # "cpu users" use cpu
    kinds = [(m, k) for m, k in kinds if not _beside_name(scene, m.start, m.end)]
    if kinds:
        filling.put("by", kinds[0][1], words(scene, kinds[0][0].start, kinds[0][0].end))


def _counted(scene: Scene, kinds: list[tuple[Any, str]]) -> tuple[Any, str] | None:
    """Which of two kinds is counted: "domains by number of vms", "who has the most volumes"."""
    countable = [(m, k) for m, k in kinds if k in _METRIC_KINDS]
    if not countable:
        return None
    marks = {"of", "most", "by", "many", "count"}
    marked = [(m, k) for m, k in countable if marks & set(scene.folds[max(0, m.start - 2) : m.start])]
    return (marked or countable)[-1] if len(kinds) > 1 or marked else None


def _beside_name(scene: Scene, start: int, end: int) -> bool:
    return any(hit.start == end or hit.end == start for hit in scene.hits)


def quota_set(scene: Scene, filling: "Filling") -> None:
    metric_of(scene, filling, kinds=True)
    amounts = [a for a in scene.amounts if a.kind in {"number", "gib", "vcpus"}]
    after = [a for a in amounts if scene.folds[a.start - 1 : a.start] and scene.folds[a.start - 1] in {"to", "->", "=", ":", "for", "at", "=>", "of"}]
    sized = next((a for a in amounts if a.kind in {"gib", "vcpus"}), None)
    chosen = next(iter(after), None) or next(iter(amounts), None)
    if chosen:
        filling.put("value", chosen.value, words(scene, chosen.start, chosen.end))
    if sized and sized.kind == "vcpus":
        filling.put("metric", "cpu", words(scene, sized.start, sized.end))
    if sized and sized.kind == "gib" and "metric" not in filling.slots:
        filling.unsure.add("metric")


def quota_near(scene: Scene, filling: "Filling") -> None:
    metric_of(scene, filling, kinds=True)


def override_set(scene: Scene, filling: "Filling") -> None:
    """The value: an address, or the unknown word behind "to", "=", "->", "is"."""
    for token in scene.tokens:
        if token.kind in {"ip", "mac"}:
            filling.put("value", token.text, token.text)
            return
    free = unnamed_words(scene)
    fields = {at for m in scene.mentions_of("field") for at in range(m.start, m.end)}
    best = [at for at in free if at and scene.folds[at - 1] in _SET_TO | {scene.folds[i] for i in fields}] or free
    if best:
        filling.put("value", scene.tokens[best[0]].text, scene.tokens[best[0]].text)
        return
    for at, hit in enumerate(scene.hits):
        if hit.start and scene.folds[hit.start - 1] in {"to", "=", "->", "with"} and not hit.of("vm"):
            filling.used.add(at)
            filling.put("value", words(scene, hit.start, hit.end), words(scene, hit.start, hit.end))
            return
    for mention in scene.mentions:
        if mention.start and scene.folds[mention.start - 1] in {"to", "=", "->", "with"} and mention.start not in fields:
            filling.put("value", words(scene, mention.start, mention.end), words(scene, mention.start, mention.end))
            return


def create(scene: Scene, filling: "Filling") -> None:
    """The kind that is not the noun of an existing project; the name: the word that nothing knows."""
    projects = [hit for hit in scene.hits if hit.of("project")]
    said = [(m, k) for m, k in kinds_said(scene) if not any(h.start == m.end or h.end == m.start for h in projects)]
    if said:
        filling.put("kind", said[0][1], words(scene, said[0][0].start, said[0][0].end))
    for at in unnamed_words(scene):
        filling.put("name", scene.tokens[at].text, scene.tokens[at].text)
        return
    for at, hit in enumerate(scene.hits):  # the name of something that is there already
        if not hit.of("project") and said and hit.start == said[0][0].end:
            filling.used.add(at)
            filling.put("name", words(scene, hit.start, hit.end), words(scene, hit.start, hit.end))
            return


def tenant_create(scene: Scene, filling: "Filling") -> None:
    project = word_after(scene, ("project", "projects"))
    if project is not None:
        filling.put("project", scene.tokens[project].text, scene.tokens[project].text)
    skip = frozenset() if project is None else frozenset({project})
    domain = word_after(scene, ("domain", "customer", "tenant", "client", "organisation", "organization"), skip)
    rest = [at for at in unnamed_words(scene) if at not in skip]
    if domain is None and rest:
        domain = rest[0]
    if domain is not None:
        filling.put("domain", scene.tokens[domain].text, scene.tokens[domain].text)


def dry_run(scene: Scene, filling: "Filling") -> None:
    flag("dry_run", "DRY", value=True)(scene, filling)
    flag("dry_run", "REAL", value=False)(scene, filling)


def restore(scene: Scene, filling: "Filling") -> None:
    for mention in scene.mentions_of("restore_mode"):
        filling.put("mode", value_of(mention, "restore_mode"), words(scene, mention.start, mention.end))
        break
    match = _NEW_NAME.search(scene.text)
    if match:
        at = next((i for i, t in enumerate(scene.tokens) if t.start <= match.start(1) < t.end), None)
        if at is not None and not scene.named[at] and (at in scene.unknown or scene.tokens[at].kind == "quoted"):
            filling.put("new_name", match[1], match[0])


def freeze(scene: Scene, filling: "Filling") -> None:
    off = [m for m in scene.mentions_of("FREEZEOFF") if scene.folds[m.start] not in {"until", "till"}]
    verbs = scene.mentions_of("UNFREEZE")
    off = [m for m in (*off, *verbs) if not any(s.concept == "FREEZE" and "unfreeze" not in scene.folds[m.start] for s in m.senses) or m in verbs]
    on = scene.mentions_of("FREEZEON")
    chosen = "off" if off and not (scene.spans and on and on[0].start < off[0].start) else "on"
    source = (off if chosen == "off" else on) or scene.mentions_of("FREEZE")
    if source:
        filling.put("on_off", chosen, words(scene, source[0].start, source[0].end))


def digest_schedule(scene: Scene, filling: "Filling") -> None:
    said = _clock(scene)
    if said:
        filling.put("time", f"{said[0]:02}:{said[1]:02}", said[2])
    for mention in scene.mentions_of("days"):
        filling.put("days", value_of(mention, "days"), words(scene, mention.start, mention.end))
    for at, fold in enumerate(scene.folds):
        day = fold.rstrip("s") if fold.endswith("days") else fold
        if day in _DAYS and "days" not in filling.slots:
            filling.put("days", day, scene.tokens[at].text)
        if fold in {"daily", "weekdays"} and "days" not in filling.slots:
            filling.put("days", fold, scene.tokens[at].text)


_DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())  # noqa: SIM905
_HOUR = re.compile(r"\b(?:at|for|by|around)?\s*(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm|o'clock|uhr|h)?\b", re.IGNORECASE)


def _clock(scene: Scene) -> tuple[int, int, str] | None:
    """The time of day: 8:30, 7 am, or a bare hour behind "at"."""
    if any(fold in {"noon", "midday"} for fold in scene.folds):
        return 12, 0, "noon"
    for match in _HOUR.finditer(scene.text):
        hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").lower()
        marked = match[2] or half or match[0].lower().startswith(("at", "by", "around", "for"))
        if not marked or hour > 24 or minute > 59:
            continue
        if half in {"am", "pm"}:
            hour = hour % 12 + (12 if half == "pm" else 0)
        return hour, minute, match[0].strip()
    return None


def wave_advance(scene: Scene, filling: "Filling") -> None:
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
        filling.put("item", said.lower(), said)
    off = scene.mentions_of("UNTICK")
    source = off or scene.mentions_of("TICK") or scene.mentions_of("TICKVERB")
    filling.put("on_off", "off" if off else "on", words(scene, source[0].start, source[0].end) if source else "")


def _named_pair(scene: Scene, kinds: frozenset[str]) -> list[tuple[int, Hit]]:
    return [(at, hit) for at, hit in enumerate(scene.hits) if any(name.kind in kinds for name in hit.names)]


def migration_map(scene: Scene, filling: "Filling") -> None:
    """Source and target in order, unless "as target", "target for" turns it round."""
    pairs = _named_pair(scene, frozenset({"tenant", "network", "project", "domain"}))
    tenants = [(at, hit) for at, hit in pairs if hit.of("tenant")]
    turned = re.search(r"\b(?:as|is|be|becomes)\s+(?:the\s+)?(?:target|destination)\b|\bfor\s+(?:source\s+)?(?:tenant|network|vlan)\b|\breceives?\b|\btakes?\b", scene.text, re.IGNORECASE)  # noqa: E501
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
    match = re.search(r"\b(?:domain|project)\s+\S+(?:\s+(?:and\s+)?(?:domain|project)\s+\S+)?\s*$", scene.text.strip(" .!"), re.IGNORECASE)
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
    out = [m for m in scene.mentions for s in m.senses if s.concept in {"EXCLUDE", "OUTSCOPE"} and not m.filler]
    inside = [m for m in scene.mentions for s in m.senses if s.concept in {"INCLUDE", "INSCOPE"} and not m.filler]
    weight_out, weight_in = (max((m.weight for m in found), default=0.0) for found in (out, inside))
    if max(weight_out, weight_in) > 0:
        found = out if weight_out >= weight_in else inside
        filling.put("in_out", "out" if found is out else "in", words(scene, found[0].start, found[0].end))


_FIRST = re.compile(r"\b(before|earlier than|prior to|ahead of|precedes?)\b", re.IGNORECASE)
_SECOND = re.compile(r"\b(after|depends? (?:up)?on|depending on|dependent on|needs?|waits? for|wait for|requires?|behind|later than|follows?|once|relies on|until|dependency|dependence)\b", re.IGNORECASE)  # noqa: E501


def migration_depend(scene: Scene, filling: "Filling") -> None:
    """`vm` waits, `after` goes first. "A before B" and "first A, then B": B waits; "A depends on B": A waits."""
    found = [(at, hit) for at, hit in enumerate(scene.hits) if hit.of("vm")]
    if len(found) < 2:
        return
    (first_at, first), (second_at, second) = found[0], found[1]
    between = scene.text[scene.tokens[first.end - 1].end : scene.tokens[second.start].start]
    lead = scene.text[: scene.tokens[first.start].start]
    after = scene.text[scene.tokens[second.end - 1].end :]
    waits_first = _waits_first(lead, between, after)
    order = [(first_at, first), (second_at, second)] if waits_first else [(second_at, second), (first_at, first)]
    for slot, (at, hit) in zip(("vm", "after"), order, strict=True):
        name = hit.of("vm")[0]
        filling.used.add(at)
        filling.objects[slot] = name
        filling.put(slot, name.name, words(scene, hit.start, hit.end))
        if len(hit.of("vm")) > 1:
            filling.choices[slot] = hit.of("vm")
        if hit.ordinary or not hit.exact:
            filling.unsure.add(slot)


def _waits_first(lead: str, between: str, after: str) -> bool:
    """Does the vm that was said first wait?"""
    if _SECOND.search(between):
        return not re.search(r"\bmust not\b", between)
    if _FIRST.search(between):
        return bool(re.search(r"\b(?:not|never|can't|cannot|mustn't)\b", between, re.IGNORECASE))
    if re.search(r"\b(before|after)\s*$|\b(before|after)\s+(?:we |you )?(?:move|migrate|moving|migrating)?\s*$", lead, re.I):
        return bool(re.search(r"\bbefore\b", lead, re.I)) and not re.search(r"\bafter\b", lead, re.I)
    if re.search(r"\b(first|before)\b", after, re.I) and not re.search(r"\bfirst\b", lead, re.I):
        return not re.search(r"\bthen\b", between, re.I)
    return False


def migration_estimate(scene: Scene, filling: "Filling") -> None:
    agents = number_near(scene, frozenset({"agent", "agents", "worker", "workers", "movers", "mover"}), before=2, after=2)
    if agents:
        filling.put("agents", agents[0], words(scene, agents[1], agents[2]))
    match = re.search(r"(\d{1,2}|" + "|".join(_NUMBERS) + r")\s*-?\s*(?:h|hrs?|hours?)\s*(?:a|per|/|each|every|daily)\s*(?:day|night)?|(\d{1,2})\s*h/d|(\d{1,2})[- ]hour\s+(?:day|window|shift|night)s?", scene.text, re.IGNORECASE)  # noqa: E501
    if match:
        said = next(group for group in match.groups() if group)
        filling.put("hours_per_day", int(said) if said.isdigit() else _NUMBERS[said.lower()], match[0])
    elif re.search(r"around the clock|24/7|day and night|non-?stop", scene.text, re.IGNORECASE):
        filling.put("hours_per_day", 24, "around the clock")


_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
            "ten": 10, "eleven": 11, "twelve": 12, "sixteen": 16, "twenty": 20}  # fmt: skip


def strategy(concept: str) -> Fill:
    def put(scene: Scene, filling: "Filling") -> None:
        for mention in scene.mentions_of(concept):
            filling.put("strategy", value_of(mention, concept), words(scene, mention.start, mention.end))
            return

    return put


def cohort_build(scene: Scene, filling: "Filling") -> None:
    strategy("strategy")(scene, filling)
    count = number_near(scene, frozenset({"cohort", "cohorts", "batches", "buckets", "groups"}), before=0, after=3)
    count = count or next(((a.value, a.start, a.end) for a in scene.amounts if a.kind == "number" and scene.folds[a.start] != "one"), None)
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


def approval_list(scene: Scene, filling: "Filling") -> None:
    """Waiting for me, or made by me; "pending requests" alone are everybody's."""
    mine = scene.mentions_of("MINE")
    asked = {"me", "i", "my"} & set(scene.folds) or scene.has("APPROVE") or scene.has("SIGNOFF")
    waiting = [m for m in scene.mentions_of("WAITING") if scene.folds[m.start] not in {"pending", "awaiting"} or asked]
    if waiting and any(scene.folds[m.start] in {"wait", "waits", "waiting"} for m in waiting) and asked:
        filling.put("waiting", value=True, words=words(scene, waiting[0].start, waiting[0].end))
    elif mine and not any(scene.folds[m.start] in {"approve", "sign", "decide", "to"} for m in waiting):
        filling.put("mine", value=True, words=words(scene, mine[0].start, mine[0].end))
    elif waiting and asked:
        filling.put("waiting", value=True, words=words(scene, waiting[0].start, waiting[0].end))


def feedback(scene: Scene, filling: "Filling") -> None:
    bad, good = scene.mentions_of("BAD"), scene.mentions_of("GOOD")
    source = bad or good
    if source:
        filling.put("good", not bad, words(scene, source[0].start, source[0].end))


def event(scene: Scene, filling: "Filling") -> None:
    """The longest words that name an event."""
    mentions = sorted(scene.mentions_of("event"), key=lambda m: -(m.end - m.start))
    if mentions:
        filling.put("event", value_of(mentions[0], "event"), words(scene, mentions[0].start, mentions[0].end))
        return
    for hit in scene.hits:
        for name in hit.of("event"):
            filling.put("event", name.name, words(scene, hit.start, hit.end))
            return


_TOPIC = re.compile(
    r"\b(?:with|about|on|for|regarding|concerning|around|topic)\s+(?:the\s+|topic\s+|a\s+|my\s+|topics?\s+)*([\w][\w -]{1,60}?)\s*[?.!]*$", re.IGNORECASE)  # fmt: skip


def topic(scene: Scene, filling: "Filling") -> None:
    """The words behind "with", "about", "on", "for"; "help restore" too."""
    text = re.sub(r"[,\s]+(?:please|pls|plz|thanks|thx)\s*[.!?]*$", "", scene.text, flags=re.IGNORECASE)
    match = _TOPIC.search(text)
    if not match:
        match = re.fullmatch(r"(?:@?\w+[,:]?\s+)?help\s+([\w-]+)\s*[?!.]*", text, re.IGNORECASE)
        match = match if match and match[1].lower() not in {"me", "please", "pls", "page", "menu", "us"} else None
    if match and match[1].lower() not in {"you", "here", "this", "that", "me", "it", "us", "help", "this bot"}:
        put_text(filling, "text", match[1])


def runbook_topic(scene: Scene, filling: "Filling") -> None:
    match = _TOPIC.search(scene.text)
    if match and match[1].lower() not in {"me", "us", "you", "here", "my team", "that", "this"}:
        put_text(filling, "text", match[1])


SPECIAL: Mapping[str, Sequence[Fill]] = {
    "top": (top,), "quota_set": (quota_set,), "quota_near": (quota_near,), "override_set": (override_set,),
    "create": (create,), "tenant_create": (tenant_create,), "runbook_run": (dry_run,), "snapshot_run": (dry_run,),
    "restore": (restore,), "restore_plan": (restore,), "freeze": (freeze,), "digest_schedule": (digest_schedule,),
    "wave_advance": (wave_advance,), "wave_check": (wave_check,), "migration_map": (migration_map,),
    "migration_scope": (migration_scope,), "migration_depend": (migration_depend,),
    "migration_estimate": (migration_estimate,), "cohort_build": (cohort_build,), "wave_build": (wave_build,),
    "approval_list": (approval_list,), "migration_vms": (migration_vms,), "feedback": (feedback,), "subscribe": (event,), "unsubscribe": (event,),
    "help": (topic,), "runbook_list": (runbook_topic,),
}  # fmt: skip
