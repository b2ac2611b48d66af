"""A second look at a message that was refused, or that only its small talk gave a sense."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from intents.asides import is_quoted
from intents.lexicon import Lexicon
from intents.mood import Words
from intents.pieces import (
    Piece,
    lives_on_idle,
    named_again,
    pieces_of,
    points_elsewhere,
    speaks_of_another_world,
    text_of,
)
from intents.readings import Ask, Reading
from intents.registry import Catalogue
from intents.scenes import Scene, build_scene
from intents.sureness import (
    CLAUSE_SURE,
    PART_SURE,
    REFUSING,
    SURE,
    WEAK,
    WHOLE_SURE,
    is_refused,
    says_enough,
    says_more,
)
from intents.tokens import fold

MOST_WORDS = 40  # a longer message is no short form of anything


@dataclass(frozen=True)
class SecondLook:
    """`read`: what one scene means by itself."""

    catalogue: Catalogue
    lexicon: Lexicon
    moods: Words
    read: Callable[[Scene], Reading]

    def again(self, whole: Reading, scene: Scene) -> Reading:
        """A second look at what was refused: the message without the pieces that are no part of any request.

        Read as a whole, then piece by piece: exactly one may make sense. A change is then always asked back.
        """
        if not scene.clauses or len(scene.tokens) > MOST_WORDS or is_quoted(scene, self.moods):
            return whole
        pieces = pieces_of(scene, self.moods)
        kept = [piece for piece in pieces if not piece.idle]
        if not any(piece.says for piece in kept) or speaks_of_another_world(scene, pieces):
            return whole
        if pointed := self._pointed(whole, scene, pieces):
            return pointed
        refused = is_refused(whole)
        lives = "" if refused else lives_on_idle(whole, scene, pieces)
        weak = not refused and not lives and whole.confidence < WEAK and len(kept) < len(pieces)
        if not refused and not lives and not weak:
            return whole
        read = self._of_pieces(scene, pieces, kept, refused)
        if read is None or (lives != "ahead" and says_more(whole, read) and "item" not in whole.slots):
            return whole
        if weak and read.confidence < whole.confidence + 0.15:
            return whole
        if not self.catalogue.intents[read.intent or ""].writes:
            return replace(read, text=scene.text)
        if lives and not self.catalogue.intents[whole.intent or ""].writes:
            return whole
        if any(piece.halts for piece in pieces if piece.idle or piece not in kept):
            return whole
        return self._asked_back(read, scene)

    def _asked_back(self, read: Reading, scene: Scene) -> Reading:
        """The reading, where a change is asked back."""
        writes = self.catalogue.intents[read.intent or ""].writes
        ask = read.ask or (Ask("confirm", intents=(read.intent or "",)) if writes else None)
        return replace(read, text=scene.text, ask=ask)

    def _pointed(self, whole: Reading, scene: Scene, pieces: Sequence[Piece]) -> Reading | None:
        """The request with the one name told before it, where it only points to that and nothing holds it yet."""
        text, name = named_again(scene, pieces)
        if not text or any(fold(name) in fold(str(value)) for value in whole.slots.values()) or whole.mood in REFUSING:
            return None
        read = self.read(replace(build_scene(text, scene.names, self.lexicon, self.moods, scene.now), shortened=True))
        if read.intent is None or read.confidence < PART_SURE or read.mood not in ("command", "question"):
            return None
        if not any(fold(name) in fold(str(value)) for value in read.slots.values()):
            return None
        if read.ask is not None and read.ask.why in ("missing", "unknown"):
            return None
        return self._asked_back(read, scene)

    def _of_pieces(
        self, scene: Scene, pieces: Sequence[Piece], kept: Sequence[Piece], refused: bool
    ) -> Reading | None:  # fmt: skip
        """What is left of a message means: as a whole, with its own reasons, or the one piece that makes sense."""
        silent = scene.mood in ("wish", "report", "conditional", "other")
        if refused and silent and points_elsewhere(scene, pieces) and not any(piece.halts for piece in pieces):
            told = self.read(replace(scene, mood="command", aside=frozenset(), shortened=True))
            return told if told.intent is not None and told.slots and told.confidence >= SURE else None
        read = self._alone_in(scene, kept, whole=True) if len(kept) < len(pieces) else None
        if read is None and len(kept) > 1 and refused and not any(piece.halts for piece in kept):
            reads = [one for piece in kept if piece.asks and (one := self._alone_in(scene, [piece]))]
            read = reads[0] if len({one.intent for one in reads}) == 1 else None
        return read

    def _alone_in(self, scene: Scene, pieces: Sequence[Piece], whole: bool = False) -> Reading | None:
        """What the pieces mean alone, where they ask or order something clear; `whole`: all that is left."""
        other = build_scene(text_of(scene, pieces), scene.names, self.lexicon, self.moods, scene.now)
        read = self.read(replace(other, shortened=True))
        asks = whole and any(piece.asks for piece in pieces)
        least = 0.5 if asks else PART_SURE if whole else CLAUSE_SURE
        if read.intent is None or read.mood not in ("command", "question") or read.confidence < least:
            return None
        if read.ask is not None and (read.ask.why == "rivals" or (not asks and read.ask.why in ("missing", "unknown"))):
            return None
        enough = PART_SURE if whole else WHOLE_SURE
        return read if asks or read.slots or says_enough(read, self.catalogue, enough) else None
