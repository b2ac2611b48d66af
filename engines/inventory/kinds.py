"""The kinds of resources: declared once, used by the clouds, the sync, the answers, the exports.

A field lives in `attrs` (facts, whose change is history) or in `derived` (names that were resolved, usage, times of
the last update: no history). `mask` says how a masked export must hide it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from engines.inventory.fields import Field, Kind
from engines.inventory.kinds_compute import COMPUTE_KINDS
from engines.inventory.kinds_identity import IDENTITY_KINDS, QUOTA_METRICS
from engines.inventory.kinds_network import NETWORK_KINDS
from engines.inventory.kinds_storage import STORAGE_KINDS

__all__ = ["KINDS", "QUOTA_METRICS", "Field", "Kind"]

KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (*COMPUTE_KINDS, *STORAGE_KINDS, *NETWORK_KINDS, *IDENTITY_KINDS)}
)
