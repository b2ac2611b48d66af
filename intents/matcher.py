"""Text to Reading: claims choose the intent, slots are filled, and what is missing or unsure is asked."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from intents.asks import ask_back
from intents.claims import Claim, Claims, load_claims
from intents.followups import follow
from intents.leftovers import leftovers
from intents.lexicon import Lexicon, Mention, load_lexicon
from intents.mood import load_words
from intents.names import Names
from intents.parts import MOST, split_parts
from intents.readings import Ask, Evidence, Mood, Reading
from intents.registry import Catalogue, Intent
from intents.scenes import Scene, build_scene
from intents.slots import EXPLAINS, NAME_KINDS, Filling, fill, words_of
from intents.tokens import word_set

_SILENT: frozenset[Mood] = frozenset({"report", "negated", "conditional", "wish", "other"})
_ALWAYS = {
    "negated": frozenset({"feedback", "unsubscribe"}),
    "report": frozenset({"feedback"}),
    "conditional": frozenset({"subscribe"}),
}
FLOOR = 1.0
SURE = 0.42
# they ask, point or join: said in every sentence, they speak against none
NEUTRAL = frozenset({"SHOW", "LIST", "EXPLAIN", "IT", "ON", "UNDER", "TOPIC", "MYSELF", "WHOHAS", "SAYING", "CATALOG",
                     "FEEDBACK", "SAMEAGAIN", "BECOMEV"})  # fmt: skip
# what may be left unsaid when the rest of a claim is there
UNSAID = NEUTRAL | word_set(
    "q cmd BARE SET CREATE TAKE RUN START BECOME ASSIGN GRANT POST USE BUILD STATUS PROGRESS HISTORY NIGHT WILL "
    "ANSWERREF FEEDBACK SELFBOT EVERY FORECAST time DATA VERIFY"
)
MOST_CHARACTERS = 1500
PART_SURE = 0.6  # each part of a message must stand on its own
CLAUSE_SURE = 0.8
_TALKATIVE: frozenset[Mood] = frozenset({"other", "question", "command"})
_ASIDES = re.compile(r"\s*(?:[:;,!.]\s+|\s-+\s|\bso that\b|\bbecause\b|\bas i\b)\s*", re.IGNORECASE)
SOFT_FLOOR = 0.5
SOFT_SURE = 0.55


@dataclass(frozen=True, slots=True)
class Scored:
    intent: Intent
    score: float
    explained: float
    unexplained: float
    claim: Claim
    mentions: frozenset[int]
    soft: bool = False


class Matcher:
    """Understands one message at a time; holds only what never changes, so one serves all threads."""

    def __init__(self, catalogue: Catalogue, lexicon: Lexicon | None = None, claims: Claims | None = None) -> None:
        self.catalogue = catalogue
        self.lexicon = lexicon or load_lexicon()
        self.claims = claims or load_claims(catalogue)
        self.moods = load_words()
        self._explains = {name: explained_by(intent) for name, intent in catalogue.intents.items()}

    def read(self, text: str, names: Names, now: datetime, last: Reading | None = None) -> Reading:
        """`now` has a zone; times come back in UTC. `last`: the last read in this conversation, for follow-ups."""
        started = time.thread_time_ns()
        if len(text) > MOST_CHARACTERS:
            return Reading(text[:MOST_CHARACTERS], mood="other")  # pasted, not said
        scene = build_scene(text, names, self.lexicon, self.moods, now)
        reading = self._read(scene)
        if last is not None:
            reading = follow(scene, reading, last, self.catalogue.intents) or reading
        reading = self._clause(reading, scene, names)
        return replace(reading, cpu_ms=round((time.thread_time_ns() - started) / 1e6, 3))

    def _clause(self, whole: Reading, scene: Scene, names: Names) -> Reading:
        """The one read in a sentence with an aside: "for the audit: who owns db-02", "..., I prepare a report"."""
        if whole.intent is not None or whole.mood not in _TALKATIVE or scene.mentions_of("FOREIGN"):
            return whole
        clauses = [part for part in _ASIDES.split(scene.text) if len(part.split()) >= 3]
        if not 1 < len(clauses) < 5:
            return whole
        readings = [self._read(build_scene(part, names, self.lexicon, self.moods, scene.now)) for part in clauses]
        reads = [r for r in readings if r.intent is not None and r.mood in ("command", "question")]
        if len(reads) != 1 or reads[0].ask is not None or reads[0].confidence < CLAUSE_SURE:
            return whole
        return whole if self.catalogue.intents[reads[0].intent or ""].writes else replace(reads[0], text=scene.text)

    def read_all(self, text: str, names: Names, now: datetime, last: Reading | None = None) -> tuple[Reading, ...]:
        """Up to three reads of one message in order; a message with a write in it is one reading, asked back."""
        whole = self.read(text, names, now, last)
        for parts in split_parts(text):
            readings = [self.read(part, names, now) for part in parts]
            if any(reading.intent is None or reading.confidence < PART_SURE for reading in readings):
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
        tally = _Tally(scene)
        for claim in self.claims.for_features(scene.features):
            scored = tally.score(claim, self.catalogue.intents[claim.intent], self._explains[claim.intent])
            if scored and (claim.intent not in best or scored.score > best[claim.intent].score):
                best[claim.intent] = scored
        return sorted(best.values(), key=lambda s: -s.score)

    def soft_scores(self, scene: Scene) -> list[Scored]:
        """Claims of which one term was not said, for a sentence that no whole claim explains."""
        best: dict[str, Scored] = {}
        tally = _Tally(scene)
        for claim in self.claims.all:
            scored = tally.soft(claim, self.catalogue.intents[claim.intent], self._explains[claim.intent])
            if scored and (claim.intent not in best or scored.score > best[claim.intent].score):
                best[claim.intent] = scored
        return sorted(best.values(), key=lambda s: -s.score)

    def _ranked(self, scene: Scene) -> list[Scored]:
        ranked = self.scores(scene)
        if ranked and ranked[0].score >= FLOOR and _confidence(ranked[0]) >= SURE:
            return ranked
        if not scene.anchored or scene.mood in _SILENT:
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
        rivals = tuple((s.intent.name, round(s.score, 2)) for s in ranked[1:4])
        silent = scene.mood in _SILENT and top.intent.name not in _ALWAYS.get(scene.mood, ())
        if silent or top.score < FLOOR - 0.5 * top.soft or confidence < SURE:
            return Reading(
                scene.text,
                None,
                mood=scene.mood,
                confidence=confidence,
                rivals=((top.intent.name, round(top.score, 2)), *rivals)[:3],
                evidence=_evidence(scene, None),
            )
        filling = fill(top.intent, scene)
        told = _evidence(scene, top, filling)
        ask = ask_back(top.intent, scene, filling, [s for s in ranked[1:2] if s.score > top.score - 0.15], top)
        return Reading(
            scene.text, top.intent.name, dict(filling.slots), dict(filling.objects), confidence, scene.mood,
            "lexicon", ask, (*filling.evidence, *told), rivals,
        )  # fmt: skip


def _shared(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """ "vms and volumes of acme": the filters that stand at the end are meant for both lists."""
    last = readings[-1]
    if {reading.intent for reading in readings} not in ({"list"}, {"count"}):
        return tuple(readings)
    return tuple(replace(r, slots={**last.slots, **r.slots}, objects={**last.objects, **r.objects}) for r in readings)


def explained_by(intent: Intent) -> frozenset[str]:
    """Features that the slots of an intent account for."""
    found: set[str] = set()
    for slot in (*intent.slots, *(("until",) if "since" in intent.slots else ())):
        found.update(EXPLAINS.get(slot, (slot,)))
        for kind in NAME_KINDS.get(slot, ()):
            found.update({f"@{kind}", f"k:{kind}"})
    return frozenset(found)


def _confidence(top: Scored) -> float:
    total = top.explained + top.unexplained
    return round(min(0.99, top.explained / total if total else 0.0), 3)


@dataclass(frozen=True, slots=True)
class _Words:
    score: float
    explained: float
    lost: float
    mentions: frozenset[int]
    covered: set[int]


class _Tally:
    """Scores claims against one scene. A word is credited once, however many meanings it has."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.features = scene.features
        self.where: dict[str, list[int]] = {}
        self.concepts: list[set[str]] = []
        self.own = [{s.concept for s in m.senses[: m.own]} | {"k"} for m in scene.mentions]
        for own in self.own:
            if not any(concept.startswith("k:") for concept in own):
                own.discard("k")
        for at, mention in enumerate(scene.mentions):
            concepts = {sense.concept for sense in mention.senses}
            if any(concept.startswith("k:") for concept in concepts):
                concepts.add("k")
            for concept in concepts:
                if concept != "k" or not scene.beside(mention):
                    self.where.setdefault(concept, []).append(at)
            self.concepts.append(concepts)
        # an unknown word beside nothing of ours makes it another subject
        self.doubt = 0.9 if scene.anchored or scene.has("metric") else 1.6

    def score(self, claim: Claim, intent: Intent, explains: frozenset[str]) -> Scored | None:
        features = self.features
        if claim.never and not claim.never.isdisjoint(features):
            return None
        for need in claim.needs:
            if not any(feature in features for feature in need):
                return None
        if not self._distinct(claim):
            return None
        used = {feature for need in claim.needs for feature in need if feature in features}
        wide = used | explains | set(claim.also)
        tail = self.scene.tail if "text" in intent.slots else 0 if "item" in intent.slots else len(self.scene.tokens)
        words = self._words(used, wide, tail)
        named, lost = self._names(wide, words.covered, tail, "@" in explains or "name" in intent.slots)
        shape = sum(features[f] for f in used if f not in self.where and not f.startswith("@"))
        score = claim.bonus + words.score + named - 1.3 * lost + shape
        score -= 0.4 * sum(not self._has_slot(slot) for slot in intent.required)
        score -= 2.5 if intent.writes and self.scene.asks else 0.0
        unknown = sum(at < tail and at not in self.scene.aside for at in self.scene.unknown)
        score -= 0.25 * unknown
        return Scored(
            intent,
            score,
            words.explained + named + shape,
            words.lost + lost + self.doubt * unknown,
            claim,
            words.mentions,
        )

    def soft(self, claim: Claim, intent: Intent, explains: frozenset[str]) -> Scored | None:
        """The score with one need unmet, less what that need weighs; needs of one term cannot be softened."""
        features = self.features
        unmet = [need for need in claim.needs if not any(feature in features for feature in need)]
        if len(unmet) != 1 or len(claim.needs) < 2 or not claim.never.isdisjoint(features):
            return None
        needs = tuple(need for need in claim.needs if need is not unmet[0])
        strong = max((features[f] for need in needs for f in need if f in features), default=0.0)
        if strong < 1.4:
            return None
        name = all(f[0] == "@" or f.startswith("k") or f in {"unknown", "quoted", "num", "time"} for f in unmet[0])
        if not name and UNSAID.isdisjoint(unmet[0]):
            return None
        if intent.writes and (intent.name == "create" or not any(hit.sure for hit in self.scene.hits)):
            return None
        if "k" in unmet[0] and (
            features.keys().isdisjoint({"state", "os", "platform", "sort"}) or "@vm" in features or "@host" in features
        ):
            return None
        whole = self.score(replace(claim, needs=needs), intent, explains)
        if whole is None:
            return None
        return replace(whole, score=whole.score - max(0.0, claim.bonus) - (0.6 if name else 1.2), soft=True)

    def _words(self, used: set[str], wide: set[str], tail: int) -> "_Words":
        score = explained = lost = 0.0
        mentions: set[int] = set()
        covered: set[int] = set()
        named = self._open_hits(wide)
        for at, mention in enumerate(self.scene.mentions):
            concepts = self.concepts[at]
            if mention.start in named:
                continue
            inner = (
                0.55 if used.union(wide).isdisjoint(self.own[at]) else 1.0
            )  # only a word of the phrase speaks for it
            if not used.isdisjoint(concepts) or not wide.isdisjoint(concepts):
                score += inner * mention.weight * (1.0 if not used.isdisjoint(concepts) else 0.5)
                explained += inner * mention.weight
                lost += (1 - inner) * mention.weight
                mentions.add(at)
                covered.update(range(mention.start, mention.end))
            elif (
                not mention.filler
                and mention.start < tail
                and (mention.start not in self.scene.aside or "FOREIGN" in concepts)
                and not self.own[at] <= NEUTRAL
            ):
                weight = 5.0 if "FOREIGN" in concepts else mention.weight
                score -= 0.6 * weight
                lost += weight
        return _Words(score, explained, lost, frozenset(mentions), covered)

    def _open_hits(self, wide: set[str]) -> set[int]:
        """Tokens of names that the claim uses and that are ordinary words too: they count once, as names."""
        found: set[int] = set()
        for hit in self.scene.hits:
            if (hit.open or not hit.sure) and not wide.isdisjoint({f"@{name.kind}" for name in hit.names}):
                found.update(range(hit.start, hit.end))
        return found

    def _distinct(self, claim: Claim) -> bool:
        """No word may serve two needs."""
        taken: set[int] = set()
        needs = [
            [at for f in need for at in self.where.get(f, ())]
            if not any(f not in self.where and f in self.features for f in need)
            else None
            for need in claim.needs
        ]
        for places in sorted((n for n in needs if n is not None), key=len):
            free = [at for at in places if at not in taken]
            if not free:
                return False
            taken.add(free[0])
        return True

    def _names(self, wide: set[str], covered: set[int], tail: int, any_name: bool) -> tuple[float, float]:
        named = lost = 0.0
        for hit in self.scene.hits:
            kinds = {f"@{name.kind}" for name in hit.names}
            weight = (1.6 if hit.sure else 0.8) + (0.5 * (hit.end - hit.start - 2) if hit.open else 0.0)
            if not wide.isdisjoint(kinds):
                named += weight
            elif "@" in wide and kinds - {"@tag", "@event", "@role"}:
                named += weight if any_name else 0.3 * weight  # said, but the intent has no place for it
            elif (
                hit.sure
                and not (hit.open and hit.end - hit.start < 3 and covered & set(range(hit.start, hit.end)))
                and hit.start < tail
                and hit.start not in self.scene.aside
            ):
                lost += 1.3 * weight
        for token in self.scene.tokens:
            if token.kind in {"request", "job", "ip", "mac", "uuid"} and token.kind not in wide:
                lost += 2.0
        return named, lost

    def _has_slot(self, slot: str) -> bool:
        return not self.features.keys().isdisjoint(EXPLAINS.get(slot, (slot,))) or not self.features.keys().isdisjoint(
            f"@{kind}" for kind in NAME_KINDS.get(slot, ())
        )


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
