"""Slots that are more than a name or a word of a list: kinds, numbers, free text, roles in a sentence."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from intents.lexicon import Mention
from intents.scenes import Scene
from intents.shapes import BREAKDOWNS, is_last_few

if TYPE_CHECKING:
    from intents.registry import Intent
    from intents.slots import Filling

Fill = Callable[[Scene, "Filling"], None]


def words(scene: Scene, start: int, end: int) -> str:
    return scene.text[scene.tokens[start].start : scene.tokens[end - 1].end]


def unnamed_words(scene: Scene) -> list[int]:
    """Tokens that may be a new name or value: what looks like a name first, then other unknown words."""
    return [*scene.namelike, *(at for at in scene.unknown if at not in scene.namelike)]


def value_of(mention: Mention, concept: str) -> str:
    return next((s.value for s in mention.senses if s.concept == concept), "")


def kinds_said(scene: Scene) -> list[tuple[Mention, str]]:
    """Kind nouns in order; those that only stand beside a name ("host compute-01") or for people come last."""
    said: list[tuple[Mention, str]] = []
    beside: list[tuple[Mention, str]] = []
    for mention in scene.mentions:
        kinds = [s.value for s in mention.senses if s.concept.startswith("k:") and s.value != "tenant"]
        if kinds and not _speaks(scene, mention):
            apart = _beside_name(scene, mention, kinds) or mention.start in scene.aside or _is_somebody(scene, mention)
            (beside if apart else said).append((mention, kinds[0]))
    return said + beside


def _is_somebody(scene: Scene, mention: Mention) -> bool:
    """ "my customer", "the client": who wants it, not what is wanted."""
    return scene.folds[mention.start] in {"customer", "client"} and scene.folds[max(0, mention.start - 1)] in _THEIR


def _speaks(scene: Scene, mention: Mention) -> bool:
    """ "customer gave me only a uuid": the one who did something, at the start of a clause."""
    first = not mention.start or scene.tokens[mention.start - 1].kind == "mark"
    after = scene.tokens[mention.end : mention.end + 1]
    told = after and after[0].kind == "word" and not scene.named[mention.end] and after[0].fold in _DID
    return scene.folds[mention.start] in {"customer", "client", "user"} and first and bool(told)


_DID = frozenset(
    {"gave", "has", "says", "said", "wants", "asks", "asked", "needs", "told", "sent", "is", "was", "complains",
     "called", "wrote", "reported", "reports", "claims", "had", "wanted", "just", "only"}
)  # fmt: skip
_THEIR = frozenset({"my", "our", "the", "this", "a", "customer", "client"})


def _beside_name(scene: Scene, mention: Mention, kinds: list[str]) -> bool:
    return any(
        (hit.start == mention.end or hit.end == mention.start) and any(n.kind in kinds for n in hit.names)
        for hit in scene.hits
    )


def fill_kind(scene: Scene, filling: "Filling") -> None:
    said = [pair for pair in kinds_said(scene) if not scene.beside(pair[0])] or kinds_said(scene)
    if said:
        mention, kind = said[0]
        filling.put("kind", kind, words(scene, mention.start, mention.end))


def fill_by(scene: Scene, filling: "Filling") -> None:
    """`by` stands behind per, by, over, each; or before "how many"."""
    options = [
        (m, s.value) for m in scene.mentions for s in m.senses if s.concept.startswith("k:") and s.value != "tenant"
    ]
    options += [(m, concept) for concept in ("os", "platform", "state") for m in _by_words(scene, concept)]
    options.sort(key=lambda pair: pair[0].start)
    if len(options) < 1:
        return
    marks = {"per", "by", "over", "across", "each", "every", "on", "in", "between", "among"}
    for mention, value in options:
        before = set(scene.folds[max(0, mention.start - 3) : mention.start])
        broken = len(options) < 2 and bool(BREAKDOWNS & set(scene.folds[mention.end : mention.end + 1]))
        if broken:
            filling.put("kind", "vm", words(scene, mention.start, mention.end))
        if (before & marks and mention.start > 0) or broken:
            filling.put("by", value, words(scene, mention.start, mention.end))
            rest = [o for o in options if o[0].start != mention.start and o[1] not in {"os", "platform", "state"}]
            if rest:
                filling.put("kind", rest[0][1], words(scene, rest[0][0].start, rest[0][0].end))
            return
    if len(options) >= 2:
        first, second = options[0], options[1]
        how = scene.folds.index("how") if "how" in scene.folds else -1
        if 0 <= how < first[0].start:
            first, second = second, first
        filling.put("by", first[1], words(scene, first[0].start, first[0].end))
        filling.put("kind", second[1], words(scene, second[0].start, second[0].end))


def _by_words(scene: Scene, concept: str) -> list[Mention]:
    names = {"os": {"os", "operating", "family"}, "platform": {"platform", "platforms", "hypervisor type"},
             "state": {"state", "status", "states", "power"}}[concept]  # fmt: skip
    return [
        Mention(at, at + 1, (), 0.0) for at, fold in enumerate(scene.folds) if fold in names and not scene.named[at]
    ]


def fill_number(slot: str) -> Fill:
    def put(scene: Scene, filling: "Filling") -> None:
        for amount in scene.amounts:
            if amount.kind in {"number", "times"}:
                filling.put(slot, amount.value, words(scene, amount.start, amount.end))
                return

    return put


def fill_amount(slot: str, kind: str) -> Fill:
    def put(scene: Scene, filling: "Filling") -> None:
        for amount in scene.amounts:
            if amount.kind == kind:
                filling.put(slot, amount.value, words(scene, amount.start, amount.end))
                return
            if amount.kind == "size" and kind in {"vcpus", "gib"}:
                value = amount.value if kind == "vcpus" else amount.second
                filling.put(slot, value, words(scene, amount.start, amount.end))
                return

    return put


def flag(slot: str, concept: str, *, value: bool) -> Fill:
    def put(scene: Scene, filling: "Filling") -> None:
        for mention in scene.mentions_of(concept):
            filling.put(slot, value, words(scene, mention.start, mention.end))
            return

    return put


def fill_channel(scene: Scene, filling: "Filling") -> None:
    for token in scene.tokens:
        if token.kind == "channel":
            filling.put("channel", token.text, token.text)
            return
    for mention in scene.mentions_of("THISCHANNEL"):
        filling.put("channel", "here", words(scene, mention.start, mention.end))
        return


def fill_port(scene: Scene, filling: "Filling") -> None:
    for mention in scene.mentions_of("service"):
        filling.put("port", int(value_of(mention, "service")), words(scene, mention.start, mention.end))
        return
    for amount in scene.amounts:
        if amount.kind == "number" and 0 < amount.value < 65536:
            filling.put("port", int(amount.value), words(scene, amount.start, amount.end))
            return


def fill_limit(scene: Scene, filling: "Filling") -> None:
    for amount in scene.amounts:
        if amount.kind in {"number", "times"} and 0 < amount.value <= 10_000:
            if scene.folds[amount.start] == "one" or scene.folds[amount.start : amount.end + 1][-1] in {"percent", "%"}:
                continue
            if not _counts_rows(scene, amount.start, amount.end):
                continue
            filling.put("limit", int(amount.value), words(scene, amount.start, amount.end))
            return


_ROWS_AFTER = frozenset({"most", "least", "top", "of", "entries", "rows", "results", "items", "ones", "latest", "last"})
_ROWS_BEFORE = frozenset({"top", "first", "limit", "max", "maximum", "only", "most", "least", "last", "just", "bottom"})


def _counts_rows(scene: Scene, start: int, end: int) -> bool:
    """ "the 5 biggest", "top 5", "5 disks by size", "limit 5"; not "building 5"."""
    if (start, end) == (0, len(scene.tokens)) or _ROWS_BEFORE & set(scene.folds[max(0, start - 2) : start]):
        return True
    if any(m.end == start for m in scene.mentions_of("sort")):
        return True  # "volumes largest 5"
    if set(scene.folds[end : end + 1]) & _ROWS_AFTER or "enough" in scene.folds[end : end + 3]:
        return True
    near = [m for m in scene.mentions if end <= m.start <= end + 2]
    return any(s.concept.startswith("k:") or s.concept in {"sort", "TOP", "COST", "metric", "HOT", "CUSTOMER"}
               for m in near for s in m.senses)  # fmt: skip


_SOUGHT = re.compile(
    r"\b(?:contain(?:s|ing)?|called|named|matching|matches|search(?: for)?|look(?:ing)? for|look up|find|locate|like|"
    r"start(?:s|ing)? with|end(?:s|ing)? (?:with|in)|begin(?:s|ning)? with|with|has|have)\s+"
    r"(?:the\s+(?:word|string|text)\s+)?([\w.-]*\w)"
    r"(?=\s+in\s+(?:its|the|their)\s+names?|\s*[?.!]?$)",
    re.IGNORECASE,
)
_NOT_SOUGHT = frozenset(
    {"it", "this", "that", "name", "them", "me", "all", "vms", "please", "pls", "server", "vm", "machine"}
)


def fill_query(scene: Scene, filling: "Filling") -> None:
    """An address or id, what is quoted, an unknown word, or else the name that was said."""
    for kinds in ({"ip", "mac", "uuid"}, {"quoted"}):
        for token in scene.tokens:
            if token.kind in kinds:
                filling.put("query", token.text, token.text)
                return
    match = _SOUGHT.search(scene.text)
    if match and match[1].lower() not in _NOT_SOUGHT:
        filling.put("query", match[1], match[1])
        return
    for at in (*scene.namelike, *scene.unknown):
        filling.put("query", scene.tokens[at].text, scene.tokens[at].text)
        return
    for hit in scene.hits:
        said = words(scene, hit.start, hit.end)
        filling.put("query", hit.names[0].name if hit.exact else said, said)
        filling.used.add(scene.hits.index(hit))
        return


def fill_name(scene: Scene, filling: "Filling") -> None:
    """The object of show, delete, enable: any name; its kind by the noun beside it or by what bears the name."""
    from intents.slots import narrow, noun_beside

    hits = sorted(range(len(scene.hits)), key=lambda at: (not scene.hits[at].sure, at))
    said = [kind for _, kind in kinds_said(scene)]
    fitting = [at for at in hits if any(scene.hits[at].of(kind) for kind in said)]
    for at in fitting or hits:
        hit = scene.hits[at]
        noun = noun_beside(scene, hit) or next((kind for kind in said if hit.of(kind)), "")
        names = narrow(hit.of(noun) if noun and hit.of(noun) else _main(hit.names), scene)
        filling.used.add(at)
        filling.objects["name"] = names[0]
        filling.put("name", names[0].name, words(scene, hit.start, hit.end))
        filling.slots["kind"] = "snapshot_policy" if names[0].kind == "policy" else names[0].kind
        if len(names) > 1:
            filling.choices["name"] = names
        if not hit.certain:
            filling.unsure.add("name")
        return


def _main(names: tuple[Any, ...]) -> tuple[Any, ...]:
    """Inventory objects before owners, tags, tenants of a migration and the like."""
    side = {"owner", "tag", "tenant", "cohort", "wave", "event", "migration", "report", "runbook"}
    return tuple(n for n in names if n.kind not in side) or names


_TEXT_MARKS = (
    r"\b(?:reason|grounds?|why)\s*(?:is|:|=)\s*",
    r"\bbecause(?:\s+of)?\s+",
    r"\b(?:saying|says|reading|with the text|with text|with comment|with the note|noting)\s*:?\s+(?:that\s+)?",
    r"(?<=\S):\s+",
    r"\s-+\s+",
    r"\bdue to\s+",
    r"\bthat\s+(?=\w+ \w+)",
    r",\s+",
    r"(?<=[a-z0-9])\.\s+",
    r"\b(?:as|since)\s+(?=\w+ )",
)
_VERDICT = re.compile(r"^(?:denied|rejected|declined|refused|deny|reject|no\s*[,.:;-])\s*[,.:;-]?\s+", re.IGNORECASE)
_ORDERS = re.compile(
    r"(?:(?:so|then|and|please|pls) )*(?:(?:could|can|would|will|[cw]\w{2,5}) you|please|pls|kindly)\b", re.IGNORECASE
)
_ALREADY_SAID = re.compile(r"(?:seen|accepted|known|expected|ok|okay|acknowledged|drift)\b", re.IGNORECASE)
_POLITE_TAIL = re.compile(r"[\s,]*\b(?:please|pls|plz|thanks|thx|thank you)\s*$", re.IGNORECASE)


def fill_text(scene: Scene, filling: "Filling") -> None:
    """Free text: what is quoted and no name, or what stands behind the surest of the marks."""
    named = {hit.start for hit in scene.hits}
    for at, token in enumerate(scene.tokens):
        if token.kind == "quoted" and at not in named:
            filling.put("text", token.text, token.text)
            return
    marks = _TEXT_MARKS[:6] if scene.has("FREEZE") or scene.has("UNFREEZE") else _TEXT_MARKS
    for mark in marks:
        match = re.search(mark, scene.text, re.IGNORECASE) or _misspelt(mark, scene)
        if match:
            rest = _POLITE_TAIL.sub("", scene.text[match.end() :].strip())
            if (
                re.search(r"\b(?:it|them|that one|set it)\b", " ".join(rest.split()[:4]), re.IGNORECASE)
                and mark in _TEXT_MARKS[7:]
            ):
                continue  # "refuse it": the command, not its reason
            if any(scene.tokens[span.start].start >= match.end() for span in scene.spans) and scene.has("FREEZE"):
                continue  # "freeze friday 18:00 - monday 07:00": its end
            if any(token.kind == "request" and token.text in rest for token in scene.tokens):
                continue  # "no, I deny REQ-12"
            if _ALREADY_SAID.match(rest):
                continue  # "mark the drift as seen"
            if scene.has("DENY") or scene.has("NOPE"):
                rest = _VERDICT.sub("", rest)
            rest = re.split(r",\s*(?:please|pls|plz)\b", rest)[0]
            if _ORDERS.match(rest):
                continue  # "HR will come along, could you put them back": the request, not its reason
            if len(rest.split()) >= 2 or (mark in _TEXT_MARKS[:5] and rest):
                put_text(filling, "text", rest)
                return


def _misspelt(mark: str, scene: Scene) -> re.Match[str] | None:
    """The mark where its word has a slip of the finger: the text behind it stays as it was typed."""
    for token in scene.tokens:
        if token.fold in {"because", "saying", "reason"} and token.fold != token.text.lower():
            return re.compile(mark, re.IGNORECASE).match(f"{token.fold} ") and _AFTER_WORD.match(
                scene.text, token.start
            )
    return None


_AFTER_WORD = re.compile(r"\w+\s*:?\s+")


def put_text(filling: "Filling", slot: str, text: str) -> None:
    text = re.sub(r"^(?:reason|because|because of|cause)\s*:?\s+", "", text.strip(), flags=re.IGNORECASE)
    text = text.strip().strip("\"'`").rstrip(".!").strip()
    if text:
        filling.put(slot, text, text)


_POWER = frozenset({"on", "off", "paused", "suspended", "building"})
FILLERS: Mapping[str, Fill] = {
    "kind": fill_kind, "by": fill_by, "name": fill_name, "query": fill_query, "limit": fill_limit,
    "count": fill_number("count"), "value": fill_number("value"), "retention": fill_number("retention"),
    "vcpus": fill_amount("vcpus", "vcpus"), "memory_gb": fill_amount("memory_gb", "gib"),
    "bandwidth_gbps": fill_amount("bandwidth_gbps", "gbps"), "channel": fill_channel, "port": fill_port,
    "text": fill_text, "masked": flag("masked", "MASKED", value=True), "hard": flag("hard", "HARD", value=True),
    "waiting": flag("waiting", "WAITING", value=True), "mine": flag("mine", "MINE", value=True),
}  # fmt: skip


def finish(intent: "Intent", scene: Scene, filling: "Filling") -> None:
    """Corrections that need all the slots of an intent."""
    beside = [m for m, kind in kinds_said(scene) if kind == filling.slots.get("kind")]
    if intent.name in {"deleted", "changes", "export"} and beside and all(scene.beside(m) for m in beside):
        filling.slots.pop("kind", None)  # "in project x": the noun of a name, not what is asked for
    if (
        intent.name in {"list", "count"}
        and "kind" not in filling.slots
        and {"tag", "os", "owner", "host", "cluster"} & filling.slots.keys()
    ):
        filling.slots["kind"] = "vm"  # only a VM has them
    if intent.name in {"list", "count"} and "kind" not in filling.slots and filling.slots.get("state") in _POWER:
        filling.slots["kind"] = "vm"  # "everything running in acme-dev"
    if intent.name == "list" and "kind" not in filling.slots and scene.has("ATTACHEDTO"):
        filling.slots["kind"] = "volume"
    if intent.name == "list" and "limit" in filling.slots and "sort" not in filling.slots:
        starts = [mention.start for mention, _ in kinds_said(scene)]
        if any(is_last_few(scene, at) for at in starts):
            filling.slots["sort"] = "newest"
    if intent.name == "list" and "limit" in filling.slots and "sort" not in filling.slots and scene.has("TOP"):
        filling.slots["sort"] = "largest"
