"""Numbers by what stands beside them."""

from intents.scenes import Scene


def number_near(scene: Scene, nouns: frozenset[str], before: int, after: int) -> tuple[int | float, int, int] | None:
    """(value, start, end) of the number with one of the nouns at most `before` tokens ahead or `after` behind."""
    best: tuple[int, tuple[int | float, int, int]] | None = None
    for amount in scene.amounts:
        if amount.kind not in {"number", "times"}:
            continue
        for distance in range(1, max(before, after) + 1):
            behind = scene.folds[amount.end + distance - 1 : amount.end + distance]
            ahead = (
                scene.folds[amount.start - distance : amount.start - distance + 1] if amount.start >= distance else ()
            )
            if (distance <= after and behind and behind[0] in nouns) or (
                distance <= before and ahead and ahead[0] in nouns
            ):
                found = (distance, (amount.value, amount.start, amount.end))
                best = found if best is None or found[0] < best[0] else best
    return best[1] if best else None
