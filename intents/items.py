"""The name of a checklist item inside a sentence about a wave."""

from collections.abc import Collection, Sequence

from intents.tokens import Token, word_set

EDGES = word_set(
    "tick untick check uncheck mark set off for in of wave preflight item pre-flight checklist the as is are not done "
    "ready finished complete completed ok on please pls point to it green box again yet still has been step no "
    "longer put a and now that can be we i you stackhand bot start begin confirm confirmed close finish go with "
    "from at all also then checked ticked unchecked reopen mark's check's move advance undone pending isn't isnt "
    "started launch kick over wrap up cleared satisfied fulfilled cross"
)


def item_run(
    tokens: Sequence[Token], skip: set[int], told: Collection[int] = frozenset()
) -> tuple[int, int] | None:  # fmt: skip
    """The longest run of words that are neither the verb, the wave nor the verdict; quoted words first, those that are
    only `told` last."""
    for at, token in enumerate(tokens):
        if token.kind == "quoted" and at not in skip:
            return at, at + 1
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for at in range(len(tokens) + 1):
        inside = at < len(tokens) and at not in skip and tokens[at].kind == "word" and not _is_edge(tokens, at)
        if inside and start is None:
            start = at
        elif not inside and start is not None:
            runs.append((start, at))
            start = None
    return max(runs, key=lambda run: (run[0] not in told, run[1] - run[0])) if runs else None


def _is_edge(tokens: Sequence[Token], at: int) -> bool:
    """ "firewall rules open" is an item, "still open" a verdict."""
    word = tokens[at].fold
    if word in {"open", "clear", "flag", "running"}:
        around = {tokens[i].fold for i in (at - 1, at + 1) if 0 <= i < len(tokens)}
        return at == 0 or bool(around & {"still", "again", "is", "not", "the"})
    return word in EDGES
