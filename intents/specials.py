"""Slots of single intents, where the place of a word in the sentence decides what it is."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from intents import migrations
from intents.clocks import read_clock
from intents.scenes import Scene
from intents.texts import flag, kinds_said, put_text, unnamed_words, value_of, words
from intents.tokens import word_set

if TYPE_CHECKING:
    from intents.slots import Filling

Fill = Callable[[Scene, "Filling"], None]
_METRIC_KINDS = {"vm": "vms", "volume": "volumes", "snapshot": "snapshots", "network": "networks",
                 "floating_ip": "floating_ips"}  # fmt: skip
_NEW_NAME = re.compile(
    r"\b(?:as|(?:be )?(?:call(?:ed|ing)?|nam(?:ed?|ing)|baptise|baptize)(?: it| the (?:(?:new|restored|second|other) )?"
    r"(?:copy|clone|one|vm|machine|server|instance|result|duplicate|guest|box))?(?: as)?"
    r"|(?:under|with|by|as) (?:the |a )?(?:new )?name(?: of)?"
    r"|(?:(?:new|its|the) )?name(?: (?:of|for) the (?:copy|clone|new one|new vm))?"
    r"(?: (?:is|shall be|should be|will be))?)\s*:?\s+"
    r"(?:a new vm (?:called|named)\s+)?[\"'`]?([A-Za-z0-9][\w.-]*[\w])[\"'`]?", re.IGNORECASE)  # fmt: skip
_VALUE_MARKS = frozenset({"show", "be", "read", "say", "as", "to", "=", "->", "with", ":", "=>"})
_SET_TO = frozenset({"to", "=", "->", "=>", "is", "really", "becomes", "with", "be", ":"})


def word_after(scene: Scene, nouns: Sequence[str], skip: frozenset[int] = frozenset()) -> int | None:
    """The unknown word that follows one of these nouns, with at most "called", "named", a colon between them."""
    free = set(unnamed_words(scene))
    for at, fold in enumerate(scene.folds):
        if fold in nouns:
            there = at + 1
            while there < len(scene.folds) and scene.folds[there] in {
                "called",
                "named",
                ":",
                "name",
                "for",
                "new",
                "a",
            }:
                there += 1
            if there in free and there not in skip:
                return there
    return None


def metric_of(scene: Scene, filling: "Filling", kinds: bool) -> None:
    """cpu, memory, storage; cost; or, where `kinds`, a kind that is counted (vms, volumes, ...)."""
    costs = [m for m in scene.mentions_of("COST") if not scene.named[m.start] and m.start not in scene.aside]
    if costs:
        mention = costs[0]
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


_BURNING = word_set("burn burns burning burned")  # money, or what a metric counts


def top(scene: Scene, filling: "Filling") -> None:
    kinds = [
        (m, k)
        for m, k in kinds_said(scene)
        if k in {"vm", "project", "domain", "user", "host", "cluster", "volume", *_METRIC_KINDS}
    ]
    counted = None
    if not scene.has("COST") or (_BURNING & set(scene.folds) and scene.mentions_of("metric")):
        metrics = [m for m in scene.mentions_of("metric") if value_of(m, "metric") != "network"]
        solo = [m for m in metrics if not any(s.concept.startswith("k:") for s in m.senses)] or metrics
        if solo:
            filling.put("metric", value_of(solo[0], "metric"), words(scene, solo[0].start, solo[0].end))
            kinds = [(m, k) for m, k in kinds if m.start != solo[0].start]
        else:
            counted = _counted(scene, kinds)
    if scene.has("COST") and not (_BURNING & set(scene.folds) and scene.mentions_of("metric")):
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
    after = [
        a
        for a in amounts
        if scene.folds[a.start - 1 : a.start]
        and scene.folds[a.start - 1] in {"to", "->", "=", ":", "for", "at", "=>", "of"}
    ]
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
    for at, fold in enumerate(scene.folds):
        if at and fold in {"on", "off"} and scene.folds[at - 1] in _VALUE_MARKS:
            filling.put("value", fold, scene.tokens[at].text)  # "power state of web-01 should show off"
            return
    for at, hit in enumerate(scene.hits):
        if hit.start and scene.folds[hit.start - 1] in _VALUE_MARKS and not hit.of("vm"):
            filling.used.add(at)
            filling.put("value", words(scene, hit.start, hit.end), words(scene, hit.start, hit.end))
            return
    for mention in scene.mentions:
        if mention.start and scene.folds[mention.start - 1] in _VALUE_MARKS and mention.start not in fields:
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
    domain = word_after(scene, ("domain", "domains"), skip)
    if domain is None:
        domain = word_after(scene, ("customer", "tenant", "client", "organisation", "organization"), skip)
    rest = [at for at in unnamed_words(scene) if at not in skip and at not in scene.aside]
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
    for match in _NEW_NAME.finditer(scene.meant):
        at = next((i for i, t in enumerate(scene.tokens) if t.text == match[1]), None)
        if at is not None and not scene.named[at] and (at in scene.unknown or scene.tokens[at].kind == "quoted"):
            filling.put("new_name", match[1], match[0])
            return


def freeze(scene: Scene, filling: "Filling") -> None:
    said = _clauses_with(scene, ("FREEZE", "UNFREEZE"))
    off = [
        m for m in scene.mentions_of("FREEZEOFF") if scene.folds[m.start] not in {"until", "till"} and m.start in said
    ]
    verbs = scene.mentions_of("UNFREEZE")
    off = [
        m
        for m in (*off, *verbs)
        if not any(s.concept == "FREEZE" and "unfreeze" not in scene.folds[m.start] for s in m.senses) or m in verbs
    ]
    on = [m for m in scene.mentions_of("FREEZEON") if m.start in said]
    chosen = "off" if off and not (scene.spans and on and on[0].start < off[0].start) else "on"
    source = (off if chosen == "off" else on) or scene.mentions_of("FREEZE")
    if source:
        filling.put("on_off", chosen, words(scene, source[0].start, source[0].end))


def _clauses_with(scene: Scene, concepts: Sequence[str]) -> set[int]:
    """The tokens of the clauses in which one of these is said; all where none is."""
    starts = {m.start for concept in concepts for m in scene.mentions_of(concept)}
    found = {at for start, end, _ in scene.clauses if starts & set(range(start, end)) for at in range(start, end)}
    return found or set(range(len(scene.tokens)))


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


_DAYS = word_set("monday tuesday wednesday thursday friday saturday sunday")


def _clock(scene: Scene) -> tuple[int, int, str] | None:
    """The time of day: 8:30, 7 am, half past seven, or a bare hour behind "at"."""

    def word(at: int) -> str:
        return scene.folds[at] if 0 <= at < len(scene.folds) else ""

    for at in range(len(scene.tokens)):
        said = read_clock(word, at, needs_mark=word(at - 1) not in {"at", "by", "around", "for"})
        if said:
            return said[0], said[1], words(scene, at, said[2])
    return None


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
    for at, fold in enumerate(scene.folds):  # "stop the restore notifications": inside a longer phrase
        value = next(
            (s.value for p in scene.lexicon.phrases.get(fold, ()) for s in p.senses if s.concept == "event"), ""
        )
        if value and not scene.named[at]:
            filling.put("event", value, scene.tokens[at].text)
            return


_TOPIC = re.compile(
    r"\b(?:when it comes to|in terms of|with(?! when it comes)|about|on|for|regarding|concerning|around|topic"
    r"|related to|relating to)\s+(?:the\s+|topic\s+|a\s+|my\s+|topics?\s+)*"
    r"([\w][\w -]{1,60}?)(?:\s+(?:which|that) (?:i|we)\b.*)?\s*[?.!]*$",
    re.IGNORECASE,
)


def topic(scene: Scene, filling: "Filling") -> None:
    """The words behind "with", "about", "on", "for"; "help restore" too."""
    text = re.sub(r"[,\s]+(?:please|pls|plz|plase|thanks|thx)\s*[.!?]*$", "", scene.meant, flags=re.IGNORECASE)
    match = _TOPIC.search(_of_help(text))
    if not match:
        match = re.fullmatch(r"(?:@?\w+[,:]?\s+)?help\s+([\w-]+)\s*[?!.]*", text, re.IGNORECASE)
        match = match if match and match[1].lower() not in {"me", "please", "pls", "page", "menu", "us"} else None
    if match and match[1].lower() not in {"you", "here", "this", "that", "me", "it", "us", "help", "this bot"}:
        put_text(filling, "text", match[1])


_PIECES = re.compile(r"\s*[,;.!?]+\s+")
_HELPING = re.compile(r"\b(?:help|you|able|commands?|functions?|assist\w*|skills?)\b", re.IGNORECASE)


def _of_help(text: str) -> str:
    """The first piece that asks for help, where others stand behind it: "help me about restore, what can you do"."""
    pieces = _PIECES.split(text)
    asking = [piece for piece in pieces if _HELPING.search(piece)]
    return asking[0] if asking and len(pieces) > 1 and _TOPIC.search(asking[0]) else text


def runbook_topic(scene: Scene, filling: "Filling") -> None:
    match = _TOPIC.search(scene.meant)
    if match and match[1].lower() not in {"me", "us", "you", "here", "my team", "that", "this"}:
        put_text(filling, "text", match[1])


SPECIAL: Mapping[str, Sequence[Fill]] = {
    "top": (top,), "quota_set": (quota_set,), "quota_near": (quota_near,), "override_set": (override_set,),
    "create": (create,), "tenant_create": (tenant_create,), "runbook_run": (dry_run,), "snapshot_run": (dry_run,),
    "restore": (restore,), "restore_plan": (restore,), "freeze": (freeze,), "digest_schedule": (digest_schedule,),
    "wave_advance": (migrations.wave_advance,), "wave_check": (migrations.wave_check,),
    "migration_map": (migrations.migration_map,),
    "migration_scope": (migrations.migration_scope,), "migration_depend": (migrations.migration_depend,),
    "migration_estimate": (migrations.migration_estimate,), "cohort_build": (migrations.cohort_build,),
    "wave_build": (migrations.wave_build,),
    "approval_list": (approval_list,), "migration_vms": (migrations.migration_vms,), "feedback": (feedback,),
    "subscribe": (event,), "unsubscribe": (event,),
    "help": (topic,), "runbook_list": (runbook_topic,),
}  # fmt: skip
