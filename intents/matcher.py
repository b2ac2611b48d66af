"""Text to Reading: claims choose the intent, slots are filled, and what is missing or unsure is asked."""

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from intents import restore_wishes
from intents.anchors import load_worlds
from intents.asides import Part, is_quoted, parts_of, request_in
from intents.asks import ask_back
from intents.chatter import load_chatter, only_tells
from intents.claims import Claims, load_claims
from intents.followups import follow
from intents.leftovers import leftovers
from intents.lexicon import Lexicon, Mention, load_lexicon
from intents.logs import is_log
from intents.mood import load_words
from intents.names import Names
from intents.parts import MOST, split_parts
from intents.plain import in_jest
from intents.readings import Ask, Evidence, Mood, Reading
from intents.registry import Catalogue
from intents.scenes import Scene, build_scene
from intents.second_look import MOST_WORDS, SecondLook
from intents.slots import Filling, fill, words_of
from intents.sureness import CLAUSE_SURE, PART_SURE, REFUSING, SURE, WHOLE_SURE, says_enough, says_more
from intents.talk import without_talk
from intents.tally import NEUTRAL, Scored, Tally, explained_by
from intents.tokens import clean
from intents.worlds import is_ours, is_strange, points_away

_SILENT: frozenset[Mood] = frozenset({"report", "negated", "conditional", "wish", "other"})
_ALWAYS = {
    "negated": frozenset({"feedback", "unsubscribe", "restore_plan"}),
    "report": frozenset({"feedback"}),
    "conditional": frozenset({"subscribe"}),
}
_NEGATIONS = frozenset({"don't", "dont", "not", "never", "nobody"})
_ENDING = frozenset({"tag_remove", "policy_remove", "role_revoke"})  # "should not be tagged any more"
_ADDING = frozenset({"tag_add", "snapshot", "policy_assign", "create", "role_grant"})  # "no more tags on web-11"
FLOOR = 1.0
STRANGE_SURE = 0.54
MOST_CHARACTERS = 1500
_NOT_MEANT: frozenset[Mood] = frozenset({"negated", "conditional", "report"})
_TO_KNOW = re.compile(
    r"\b(?:wants? to know|would like to know|asks?|is asking|wonders?) (?:if|whether)\b", re.IGNORECASE
)
MOST_SPELLINGS = 4  # of one misspelt word
MOST_TRIED = 4  # other spellings of one message
SOFT_FLOOR = 0.5
SOFT_SURE = 0.55


class Matcher:
    """Understands one message at a time; holds only what never changes, so one serves all threads."""

    def __init__(self, catalogue: Catalogue, lexicon: Lexicon | None = None, claims: Claims | None = None) -> None:
        self.catalogue = catalogue
        self.lexicon = lexicon or load_lexicon()
        self.claims = claims or load_claims(catalogue)
        self.worlds, self.chatter = load_worlds(), load_chatter()
        self.moods = load_words(known=self.worlds.foreign)
        self.second_look = SecondLook(catalogue, self.lexicon, self.moods, self._read)
        self._explains = {name: explained_by(intent) for name, intent in catalogue.intents.items()}

    def read(self, text: str, names: Names, now: datetime, last: Reading | None = None) -> Reading:
        """`now` has a zone; times come back in UTC. `last`: the last read in this conversation, for follow-ups."""
        started = time.thread_time_ns()
        if len(text) > MOST_CHARACTERS:
            return Reading(text[:MOST_CHARACTERS], mood="other")  # pasted, not said
        read = self._with_wishes(text, names, now) or self._as_said(text, names, now, last)
        if (
            read.intent is not None
            and read.ask is None
            and self.catalogue.intents[read.intent].writes
            and in_jest(text)
        ):
            read = replace(read, ask=Ask("confirm", intents=(read.intent,)))
        return replace(read, text=clean(text), cpu_ms=round((time.thread_time_ns() - started) / 1e6, 3))

    def _with_wishes(self, text: str, names: Names, now: datetime) -> Reading | None:
        """A restore with what is wished beside it; None where nothing is, or it is no restore."""
        wished = restore_wishes.cut(text)
        if not wished.said:
            return None
        read = self._as_said(wished.plain, names, now, None)
        if read.intent not in wished.intents:
            return None
        clash = wished.clash or any(read.slots.get(slot, value) != value for slot, value in wished.slots.items())
        ask = read.ask or (Ask("confirm", intents=(read.intent or "",)) if clash else None)
        told = tuple(Evidence(words, slot) for slot, words in wished.said.items())
        slots = read.slots if clash else {**read.slots, **wished.slots}
        return replace(read, slots=slots, ask=ask, evidence=(*read.evidence, *told))

    def _as_said(self, text: str, names: Names, now: datetime, last: Reading | None) -> Reading:
        scene = build_scene(text, names, self.lexicon, self.moods, now)
        if self.worlds.is_foreign(scene) or self.chatter.holds(scene, self.moods, text):
            mood: Mood = scene.mood if self.worlds.is_unknown(scene) else "other"
            nothing = Reading(scene.text, mood=mood, evidence=_evidence(scene, None))
            return (follow(scene, nothing, last, self.catalogue.intents) if last is not None else None) or nothing
        first, said = scene, text
        if talked := without_talk(scene, self.moods):
            scene, text = replace(build_scene(talked, names, self.lexicon, self.moods, now), shortened=True), talked
        scene, reading = self._spelled(scene, self._read(scene), text)
        if last is not None:
            reading = follow(scene, reading, last, self.catalogue.intents) or reading
        if reading.mood == "report" and is_quoted(scene, self.moods):
            return reading
        whole = scene
        scene, reading = self._apart(scene, reading)
        reading = self._clause(self._beside(reading, scene, names), scene)
        reading = self.second_look.again(reading, whole)
        if reading.intent is not None and points_away(whole, reading.intent) and not is_ours(whole):
            return Reading(scene.text, mood=reading.mood, evidence=_evidence(whole, None))
        return self._checked(reading, first, said)

    def _checked(self, reading: Reading, scene: Scene, said: str) -> Reading:
        """The same; nothing where it was only told; a change asked back where another world is spoken of beside it."""
        if reading.intent is None:
            return reading
        writes = self.catalogue.intents[reading.intent].writes
        if reading.source != "followup" and only_tells(scene, reading, self.moods, writes, said):
            return replace(reading, intent=None, slots={}, objects={}, ask=None, mood="report")
        if writes and reading.ask is None and self.worlds.is_mixed(scene, reading.slots):
            return replace(reading, ask=Ask("confirm", intents=(reading.intent,)))
        return reading

    def _spelled(self, scene: Scene, reading: Reading, text: str) -> tuple[Scene, Reading]:
        """The same, or where it is weak and a word was misspelt, the best of what that word may have meant."""
        tried = MOST_TRIED if scene.mood in _NOT_MEANT else 0
        for word, options in scene.spellings.items():
            for option in (*options[1:MOST_SPELLINGS], ""):
                if _goodness(reading) >= PART_SURE or tried >= MOST_TRIED or not scene.anchored:
                    return scene, reading
                tried += 1
                if not option and reading.intent is not None:
                    continue  # an unknown word is only left as it is where no word that is known makes sense
                other = build_scene(text, scene.names, self.lexicon, self.moods, scene.now, {word: option})
                if _goodness(read := self._read(other)) > max(_goodness(reading), SURE) + 0.05:
                    scene, reading = other, read
        return scene, reading

    def _apart(self, scene: Scene, whole: Reading) -> tuple[Scene, Reading]:
        """The same, or where it is weak, the message without the clauses that name nothing of ours."""
        asks = whole.ask is not None and whole.ask.why in ("missing", "unknown")
        if whole.intent is not None and whole.confidence >= CLAUSE_SURE and not asks:
            return scene, whole
        text = without_talk(scene, self.moods, loosely=True)
        if not text or len(scene.tokens) > MOST_WORDS:
            return scene, whole
        other = replace(build_scene(text, scene.names, self.lexicon, self.moods, scene.now), shortened=True)
        read = self._read(other)
        if read.intent is None or _goodness(read) < max(PART_SURE, _goodness(whole)) or read.mood in _SILENT:
            return scene, whole
        if whole.mood == "conditional" and self.catalogue.intents[read.intent].writes:
            return scene, whole
        return other, read

    def _beside(self, whole: Reading, scene: Scene, names: Names) -> Reading:
        """The request alone, where something else is told before it; a change is then asked back."""
        asks = whole.ask is not None and whole.ask.why in ("ambiguous", "missing", "unknown", "rivals")
        sure = whole.intent is not None and whole.confidence >= WHOLE_SURE and not asks
        sure = sure and whole.confidence >= CLAUSE_SURE + 0.1
        refusing = whole.mood in REFUSING and not _TO_KNOW.search(scene.text)
        if sure or refusing or len(scene.tokens) > MOST_WORDS:
            return whole
        text = request_in(scene, self.moods)
        if not text or is_log(scene.text) or self.moods.generalities.holds(scene.text):
            return whole
        read = self._read(build_scene(text, names, self.lexicon, self.moods, scene.now))
        if (
            read.intent is None
            or read.confidence < max(0.65, whole.confidence if whole.intent else 0.0)
            or read.mood not in ("command", "question")
        ):
            return whole
        if whole.intent is not None and read.ask is not None and read.ask.why != "confirm":
            return whole
        if says_more(whole, read) or (scene.mentions_of("FOREIGN") and not read.slots):
            return whole
        if self.catalogue.intents[read.intent].writes and read.ask is None:
            return whole if whole.intent == read.intent else replace(read, ask=Ask("confirm", intents=(read.intent,)))
        return read

    def _clause(self, whole: Reading, scene: Scene) -> Reading:
        """The one request in a message with an aside: "for the audit: who owns db-02", "..., I prepare a report"."""
        foreign = bool(scene.mentions_of("FOREIGN"))
        sure = whole.intent is not None and (whole.ask is None or whole.ask.why != "missing")
        if (sure and whole.confidence >= WHOLE_SURE) or whole.mood in REFUSING or not scene.clauses:
            return whole
        parts = parts_of(scene)
        if not 1 < len(parts) < 5 or len(scene.tokens) > MOST_WORDS:
            return whole
        asking = [part for part in parts if part.asks]
        reads = self._readable(asking, scene)
        if (
            not reads
            and not foreign
            and whole.mood not in _SILENT
            and not any(part.orders or part.hangs for part in asking)
        ):
            reads = self._readable([part for part in parts if not part.asks], scene)
        if len(reads) > 1:
            reads = [r for r in reads if r.slots or says_enough(r, self.catalogue)]
        least = max(CLAUSE_SURE, whole.confidence if whole.intent else 0.0)
        if len(reads) != 1 or reads[0].confidence < least:
            return whole
        if (reads[0].ask and reads[0].ask.why != "confirm") or not (
            reads[0].slots or says_enough(reads[0], self.catalogue)
        ):
            return whole
        read = replace(reads[0], text=scene.text)
        if says_more(whole, read) or (scene.has("DRY") and "dry_run" not in read.slots):
            return whole
        if self.catalogue.intents[read.intent or ""].writes:
            return replace(read, ask=Ask("confirm", intents=(read.intent or "",)))  # the rest may speak against it
        return read

    def _readable(self, parts: Sequence[Part], scene: Scene) -> list[Reading]:
        """What the parts of a message mean alone."""
        reads = [
            self._read(build_scene(part.text, scene.names, self.lexicon, self.moods, scene.now))
            for part in parts
            if not part.hangs
        ]
        return [r for r in reads if r.intent is not None and r.mood in ("command", "question") and r.evidence]

    def read_all(self, text: str, names: Names, now: datetime, last: Reading | None = None) -> tuple[Reading, ...]:
        """Up to three reads of one message in order; a message with a write in it is one reading, asked back."""
        whole = self.read(text, names, now, last)
        if whole.intent in restore_wishes.INTENTS:
            text = restore_wishes.cut(text).plain  # its wishes are no requests of their own
        read: dict[str, Reading] = {}
        for parts in split_parts(text):
            for part in parts:
                if part not in read:
                    read[part] = self.read(part, names, now)
                if read[part].intent is None:
                    break
            readings = [read[part] for part in parts if part in read]
            if len(readings) < len(parts) or any(
                reading.intent is None or reading.confidence < PART_SURE for reading in readings
            ):
                continue
            intents = tuple(dict.fromkeys(reading.intent or "" for reading in readings))
            if whole.intent is not None and whole.ask is None and whole.intent not in intents:
                continue  # it means more than its parts: "12 VMs with 8 vCPU and 64 GB"
            if any(self.catalogue.intents[name].writes for name in intents):
                return (replace(whole, ask=whole.ask or Ask("confirm", intents=intents)),)
            if len(readings) <= MOST and (len(intents) > 1 or all(reading.ask is None for reading in readings)):
                return _shared(readings)
        return (whole,)

    def scores(self, scene: Scene) -> list[Scored]:
        """The best claim of each intent that has one, best first."""
        best: dict[str, Scored] = {}
        tally = Tally(scene, self.claims.families)
        for claim in self.claims.for_features(scene.features):
            scored = tally.score(claim, self.catalogue.intents[claim.intent], self._explains[claim.intent])
            if scored and (claim.intent not in best or scored.score > best[claim.intent].score):
                best[claim.intent] = scored
        return sorted(best.values(), key=lambda s: -s.score)

    def soft_scores(self, scene: Scene) -> list[Scored]:
        """Claims of which one term was not said, for a sentence that no whole claim explains."""
        best: dict[str, Scored] = {}
        tally = Tally(scene, self.claims.families)
        for claim in self.claims.all:
            scored = tally.soft(claim, self.catalogue.intents[claim.intent], self._explains[claim.intent])
            if scored and (claim.intent not in best or scored.score > best[claim.intent].score):
                best[claim.intent] = scored
        return sorted(best.values(), key=lambda s: -s.score)

    def _ranked(self, scene: Scene) -> list[Scored]:
        ranked = self.scores(scene)
        if ranked and ranked[0].score >= FLOOR and _confidence(ranked[0]) >= SURE:
            return ranked
        if not scene.anchored or scene.mood in _SILENT or len(scene.tokens) > MOST_WORDS:
            return ranked
        soft = self.soft_scores(scene)
        good = [s for s in soft if s.score >= SOFT_FLOOR and _confidence(s) >= SOFT_SURE]
        return good or ranked

    def _read(self, scene: Scene) -> Reading:
        ranked = self._ranked(scene)
        if not ranked:
            return Reading(scene.text, mood=scene.mood, evidence=_evidence(scene, None))
        top = ranked[0]
        confidence = _confidence(top)
        silent = scene.mood in _SILENT and top.intent.name not in _ALWAYS.get(scene.mood, ())
        if scene.mood == "negated" and top.intent.name == "deny" and scene.has("NOPE"):
            silent = bool(_NEGATIONS & set(scene.folds))  # "REQ-31: no, wrong window"
        silent = silent or (top.intent.name in _ADDING and scene.has("NOMORE"))
        silent = silent and not (top.intent.name in _ENDING and scene.mood == "negated" and scene.has("ANYMORE"))
        if silent or top.score < FLOOR - 0.5 * top.soft or confidence < SURE:
            return self._nothing(scene, ranked, confidence)
        filling = fill(top.intent, scene)
        told = _evidence(scene, top, filling)
        ask = ask_back(top.intent, scene, filling, [s for s in ranked[1:2] if s.score > top.score - 0.15], top)
        if confidence < _least(scene) and not (ask and ask.why == "unknown"):
            return self._nothing(scene, ranked, confidence)
        if not is_ours(scene) and (
            is_strange(scene, filling, top.intent, top.mentions, ask.said if ask and ask.why == "unknown" else "")
            or (top.intent.writes and ask is not None and ask.why == "missing" and _is_vague(top, filling))
        ):
            return self._nothing(scene, ranked, confidence)
        return Reading(
            scene.text, top.intent.name, dict(filling.slots), dict(filling.objects), confidence, scene.mood,
            "lexicon", ask, (*filling.evidence, *told), _rivals(ranked[1:4]),
        )  # fmt: skip

    def _nothing(self, scene: Scene, ranked: Sequence[Scored], confidence: float) -> Reading:
        return Reading(
            scene.text, None, mood=scene.mood, confidence=confidence, rivals=_rivals(ranked[:3]),
            evidence=_evidence(scene, None),
        )  # fmt: skip


def _rivals(ranked: Sequence[Scored]) -> tuple[tuple[str, float], ...]:
    return tuple((s.intent.name, round(s.score, 2)) for s in ranked)


def _goodness(reading: Reading) -> float:
    """How well a reading stands: its confidence, less where something is missing; 0 where nothing was understood."""
    if reading.intent is None:
        return 0.0
    return reading.confidence - (0.4 if reading.ask and reading.ask.why in {"missing", "unknown"} else 0.0)


def _shared(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """ "vms and volumes of acme": the filters that stand at the end are meant for both lists."""
    last = readings[-1]
    if {reading.intent for reading in readings} not in ({"list"}, {"count"}):
        return tuple(readings)
    return tuple(replace(r, slots={**last.slots, **r.slots}, objects={**last.objects, **r.objects}) for r in readings)


def _least(scene: Scene) -> float:
    """How sure a reading must be: surer where nothing of ours is named and a word is strange."""
    strange = [at for at in scene.unknown if at not in scene.aside and at not in scene.namelike]
    return STRANGE_SURE if strange and not scene.anchored else SURE


def _is_vague(top: Scored, filling: Filling) -> bool:
    """A change of nothing that was named, beside other things: "take a note: the plumber comes", "cancel the tour"."""
    return "text" in filling.slots or top.unexplained >= 1.5


def _confidence(top: Scored) -> float:
    total = top.explained + top.unexplained
    return round(min(0.99, top.explained / total if total else 0.0), 3)


def _evidence(scene: Scene, top: Scored | None, filling: Filling | None = None) -> tuple[Evidence, ...]:
    """What each recognised word was taken for; "unused:..." where it was recognised and has no part in the answer."""
    found = []
    for at, mention in enumerate(scene.mentions):
        if mention.filler or not mention.senses:
            continue
        concept = mention.senses[0].concept
        idle = top is None or (at not in top.mentions and not _harmless(scene, mention, top))
        meant = f"unused:{concept}" if idle else concept
        if mention.repaired:
            meant += f" (read as {mention.repaired!r})"
        found.append(Evidence(words_of(scene, mention.start, mention.end), meant))
    if top is not None and filling is not None:
        found += leftovers(scene, top, filling)
    return tuple(found)


def _harmless(scene: Scene, mention: Mention, top: Scored) -> bool:
    concepts = {sense.concept for sense in mention.senses[: mention.own]}
    text = "text" in top.intent.slots or "item" in top.intent.slots
    beside = mention.start in scene.aside or scene.named[mention.start] or (text and mention.start >= scene.tail)
    return beside or concepts <= NEUTRAL
