"""How well a claim explains a sentence: what speaks for it, what is left over, what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from intents.claims import Claim
from intents.lexicon import Mention
from intents.registry import Intent
from intents.scenes import ANYWHERE, Scene
from intents.slots import EXPLAINS, NAME_KINDS
from intents.tokens import word_set

# they ask, point or join: said in every sentence, they speak against none
NEUTRAL = frozenset({"SHOW", "LIST", "EXPLAIN", "IT", "ON", "UNDER", "TOPIC", "MYSELF", "WHOHAS", "SAYING", "CATALOG",
                     "FEEDBACK", "SAMEAGAIN", "BECOMEV", "ISTHERE", "WHATSIN", "ATTACHEDTO",
                     "MAKEREPORT", "ALLOWEDTO", "NOWISH"})  # fmt: skip
_TELLING = frozenset({"TELLWORD"})
# what may be left unsaid when the rest of a claim is there
UNSAID = NEUTRAL | word_set(
    "q cmd BARE SET CREATE TAKE RUN START BECOME ASSIGN GRANT POST USE BUILD STATUS PROGRESS HISTORY NIGHT WILL "
    "ANSWERREF FEEDBACK SELFBOT EVERY FORECAST time DATA VERIFY"
)


GRAMMAR = 1.0  # what a phrase of mere function words ("what did") weighs against a claim
KIN = 0.6
UNDONE = 1.0  # for a claim that has no place for the verb that the command begins with
_LEADING = word_set(
    "please pls plz kindly hey hi hello ok okay so and then just now also quick quickly thanks stackhand bot again can "
    "could would will you i we want need to like yes go ahead let me us"
)


@dataclass(frozen=True, slots=True)
class Scored:
    intent: Intent
    score: float
    explained: float
    unexplained: float
    claim: Claim
    mentions: frozenset[int]
    soft: bool = False


def explained_by(intent: Intent) -> frozenset[str]:
    """Features that the slots of an intent account for."""
    found: set[str] = set()
    for slot in (*intent.slots, *(("until",) if "since" in intent.slots else ())):
        found.update(EXPLAINS.get(slot, (slot,)))
        for kind in NAME_KINDS.get(slot, ()):
            found.update({f"@{kind}", f"k:{kind}"})
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Words:
    score: float
    explained: float
    lost: float
    mentions: frozenset[int]
    covered: set[int]


def _head(scene: Scene) -> int:
    """Which mention is the verb that a command begins with ("could you please give …"); -1 where none does."""
    if scene.mood != "command":
        return -1
    starts = [start for start, _ in scene.parts]
    for at, mention in enumerate(scene.mentions):
        own = mention.senses[: mention.own]
        if any(sense.form == "base" for sense in own) and not any(sense.concept.startswith("k:") for sense in own):
            start = max((start for start in starts if start <= mention.start), default=0)
            if all(word in _LEADING for word in scene.folds[start : mention.start]):
                return at
    return -1


class Tally:
    """Scores claims against one scene. A word is credited once, however many meanings it has."""

    def __init__(self, scene: Scene, families: Mapping[str, frozenset[str]]) -> None:
        self.scene, self.families = scene, families
        self.features = scene.features
        self.where: dict[str, list[int]] = {}
        self.places: dict[str, list[int]] = {}  # those too that only stand beside a name
        self.concepts: list[set[str]] = []
        self.held: dict[int, tuple[Sequence[float], float]] = {}
        self.own = [{s.concept for s in m.senses[: m.own]} | {"k"} for m in scene.mentions]
        for own in self.own:
            if not any(concept.startswith("k:") for concept in own):
                own.discard("k")
        for at, mention in enumerate(scene.mentions):
            concepts = set() if mention.start in scene.afterthought else {sense.concept for sense in mention.senses}
            if any(concept.startswith("k:") for concept in concepts):
                concepts.add("k")
            for concept in concepts:
                self.places.setdefault(concept, []).append(at)
                if concept != "k" or not scene.beside(mention):
                    self.where.setdefault(concept, []).append(at)
            self.concepts.append(concepts)
        self.head = _head(scene)
        self.counts = "COUNT" in self.features and "@vm" not in self.features and "how many" in " ".join(scene.folds)
        kinds = {feature for feature in self.features if feature.startswith("k:")}
        self.same = "@vm" in self.features and kinds == {"k:vm"}  # the vms of a vm are no list
        self.surely = any(hit.sure for hit in scene.hits)
        self.beside_unknown = [at for at in scene.unknown if at not in scene.aside]
        # an unknown word beside nothing of ours makes it another subject
        self.doubt = (1.2 if not self.surely else 0.9) if scene.anchored or scene.has("metric") else 2.0

    def score(self, claim: Claim, intent: Intent, explains: frozenset[str]) -> Scored | None:
        features = self.features
        if claim.never and not claim.never.isdisjoint(features):
            return None
        said = features.keys()
        for need in claim.needs:
            if said.isdisjoint(need):
                return None
        if not self._distinct(claim):
            return None
        used = {feature for need in claim.needs for feature in need if feature in features}
        wide = used | explains | set(claim.also)
        tail = self.scene.tail if "text" in intent.slots else 0 if "item" in intent.slots else len(self.scene.tokens)
        words = self._words(used, wide, tail, self.families[claim.intent] - claim.never)
        named, lost = self._names(wide, words.covered, tail, "@" in explains or "name" in intent.slots)
        shape = sum(features[f] for f in used if f not in self.where and not f.startswith("@"))
        score = claim.bonus + words.score + named - 1.3 * lost + shape
        score -= 0.4 * sum(not self._has_slot(slot) for slot in intent.required)
        score -= 5.0 if intent.name == "list" and self.same else 0.0
        score -= 3.0 if "WHENEVER" in features and not intent.writes else 0.0
        score -= 1.5 if intent.name == "list" and self.counts else 0.0
        score -= 2.5 if intent.writes and self.scene.asks else 0.0
        if self.head >= 0 and intent.writes and "SHOW" in self.own[self.head]:
            score -= 1.5  # "show ..." orders nothing
        if self.head >= 0 and self.head not in words.mentions:
            score -= 0.3 * UNDONE if self.scene.mentions[self.head].filler else UNDONE
        meant = set(self.scene.namelike) if "unknown" in used else set()
        unknown = sum(at < tail and at not in meant for at in self.beside_unknown)
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
        unmet = self._unmet(claim)
        if unmet is None or not claim.never.isdisjoint(features):
            return None
        needs = tuple(need for need in claim.needs if need is not unmet)
        said = {f for need in needs for f in need if f in features and f != "cmd"}
        if max((features[f] for f in said), default=0.0) < 1.4:
            return None
        if all(f[0] == "@" for f in said) and (
            self.beside_unknown or (len(said) == 1 and "NAMEONLY" not in features and not self.scene.asks)
        ):
            return None  # a name and a word that nobody knows: what is wanted of it was not understood
        named = sum(f[0] == "@" for f in said)
        if intent.writes and named < 2 and not any(f[0].isupper() and f not in NEUTRAL for f in said):
            return None  # a name alone orders nothing
        name = all(f[0] == "@" or f.startswith("k") or f in {"unknown", "quoted", "num", "time"} for f in unmet)
        if not name and UNSAID.isdisjoint(unmet):
            return None
        if intent.writes and (intent.name == "create" or not self.surely):
            return None
        if "k" in unmet and (
            features.keys().isdisjoint({"state", "os", "platform", "sort"}) or "@vm" in features or "@host" in features
        ):
            return None
        whole = self.score(replace(claim, needs=needs), intent, explains)
        if whole is None:
            return None
        return replace(whole, score=whole.score - max(0.0, claim.bonus) - (0.6 if name else 1.2), soft=True)

    def _unmet(self, claim: Claim) -> tuple[str, ...] | None:
        """The one need of several that was not said; None where all were, or more are missing."""
        said, found = self.features.keys(), None
        if len(claim.needs) > 1:
            for need in claim.needs:
                if said.isdisjoint(need):
                    if found is not None:
                        return None
                    found = need
        return found

    def _words(self, used: set[str], wide: set[str], tail: int, family: frozenset[str]) -> "_Words":
        """What the mentions say for a claim and against it; only the mentions it knows are looked at one by one."""
        losses, lost = self._losses(tail)
        score, explained = -0.6 * lost, 0.0
        named = self._open_hits(wide)
        known = {at for feature in wide & self.places.keys() for at in self.places[feature]}
        if named:
            for at, mention in enumerate(self.scene.mentions):
                if mention.start in named:
                    known.discard(at)
                    score += 0.6 * losses[at]
                    lost -= losses[at]
        kin = {at for feature in family & self.places.keys() for at in self.places[feature]} - known
        for at in kin:  # said otherwise than in this claim, but of the same intent
            score += 0.6 * KIN * losses[at]
            lost -= KIN * losses[at]
        covered: set[int] = set()
        counted = False
        for at in sorted(known):
            mention = self.scene.mentions[at]
            # only a word of the phrase speaks for it: less
            own = not wide.isdisjoint(self.own[at])
            weight = mention.weight if own else 0.55 * mention.weight
            meant = not used.isdisjoint(self.own[at] if own else self.concepts[at])
            if meant and "k" in self.own[at] and used.isdisjoint(self.own[at] - {"k"}):
                meant, counted = not counted, True  # one kind is listed; a second one narrows it at most
            score += 0.6 * losses[at] + weight * (1.0 if meant else 0.5)
            explained += weight
            lost += mention.weight - weight - losses[at]
            covered.update(range(mention.start, mention.end))
        return _Words(score, explained, lost, frozenset(known), covered)

    def _losses(self, tail: int) -> tuple[Sequence[float], float]:
        """What each mention weighs against a claim that has no place for it, and all of them together."""
        held = self.held.get(tail)
        if held is None:
            losses = [self._loss(at, mention, tail) for at, mention in enumerate(self.scene.mentions)]
            held = self.held[tail] = (losses, sum(losses))
        return held

    def _loss(self, at: int, mention: Mention, tail: int) -> float:
        foreign = "FOREIGN" in self.concepts[at]
        beside = mention.start in self.scene.aside and not foreign
        if mention.filler or mention.start >= tail or beside or self.own[at] <= NEUTRAL:
            return 0.0
        if not self.own[at].isdisjoint(_TELLING):
            return 0.0
        if foreign:
            return 5.0
        grammar = all(word in self.scene.lexicon.fillers for word in self.scene.folds[mention.start : mention.end])
        return min(GRAMMAR, mention.weight) if grammar else mention.weight

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
            if token.fold in ANYWHERE:
                lost += 0.0 if "OPEN" in wide else 2.0
            elif token.kind in {"request", "job", "ip", "mac", "uuid"} and token.kind not in wide:
                lost += 2.0
        return named, lost

    def _has_slot(self, slot: str) -> bool:
        return not self.features.keys().isdisjoint(EXPLAINS.get(slot, (slot,))) or not self.features.keys().isdisjoint(
            f"@{kind}" for kind in NAME_KINDS.get(slot, ())
        )
