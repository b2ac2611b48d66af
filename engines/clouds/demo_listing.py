"""Rows that are made when they are looked at, so that a large demo cloud needs little memory."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

from engines.clouds import Resource

Item = TypeVar("Item")


class Listing(Sequence[Resource], Generic[Item]):
    """`make` turns an item into its resource each time that it is asked for."""

    def __init__(self, items: Sequence[Item], make: Callable[[Item], Resource]) -> None:
        self._items = items
        self._make = make

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Resource: ...
    @overload
    def __getitem__(self, index: slice) -> "Listing[Item]": ...
    def __getitem__(self, index: int | slice) -> "Resource | Listing[Item]":
        if isinstance(index, slice):
            return Listing(self._items[index], self._make)
        return self._make(self._items[index])


def facts(**values: Any) -> dict[str, Any]:
    """Fields without those that are not known."""
    return {name: value for name, value in values.items() if value is not None}
