"""What is known of the target, as plain data, whoever read it. None: it could not be read; nothing is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engines.migration.mappings import Offer


@dataclass(frozen=True, slots=True)
class FlavorOffer:
    id: str
    name: str
    vcpus: int
    memory_mib: int


@dataclass(frozen=True, slots=True)
class ImageOffer:
    """`properties` as the platform names them: hw_firmware_type, os_secure_boot, hw_machine_type."""

    id: str
    name: str
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TargetHost:
    """`vcpus` are threads, without overcommit; the used ones are what its VMs were given, not what they consume."""

    name: str
    vcpus: int
    memory_mib: int
    vcpus_used: int = 0
    memory_used_mib: int = 0
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class QuotaState:
    """`limit` None is unlimited."""

    limit: int | None
    used: int = 0


@dataclass(frozen=True, slots=True)
class TargetState:
    """`quotas` by project id, then by resource (a name of `quotas.RESOURCES`). A project without an entry is new."""

    flavors: tuple[FlavorOffer, ...] | None = None
    networks: tuple[Offer, ...] | None = None
    images: tuple[ImageOffer, ...] | None = None
    hosts: tuple[TargetHost, ...] | None = None
    quotas: Mapping[str, Mapping[str, QuotaState]] | None = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """What could not be read."""
        names = ("flavors", "networks", "images", "hosts", "quotas")
        return tuple(name for name in names if getattr(self, name) is None)


UNREACHED = TargetState()
