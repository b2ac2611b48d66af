"""What a VM points at: image, creator, flavor, host, networks, volumes, server group."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engines.clouds import Resource
from engines.inventory.books import Books
from engines.inventory.os_families import family_of


def vm_references(resource: Resource) -> list[tuple[str, Any]]:
    """(kind, id) of everything that the VM names by id."""
    attrs = resource.attrs
    found: list[tuple[str, Any]] = [("image", attrs.get("image_id")), ("user", attrs.get("user_id"))]
    return found + [("volume", volume_id) for volume_id in attrs.get("volume_ids") or ()]


def vm(resource: Resource, books: Books) -> Resource:
    """The VM with names, and with the facts that its cloud tells elsewhere (OS, cluster, flavor id, server group)."""
    attrs = dict(resource.attrs)
    image = books.find("image", attrs.get("image_id"))
    booted = _boot_image(resource, books)
    facts = {
        "flavor_id": books.flavors_named.get(attrs.get("flavor", "")),
        "cluster": _cluster(attrs.get("host"), books),
        "os": _os(image, booted),
        "os_version": image.attrs.get("os_version") if image is not None else None,
        "server_group": books.group_of.get(resource.external_id),
    }
    for name, value in facts.items():
        if value and not attrs.get(name):
            attrs[name] = value
    if attrs.get("addresses"):
        attrs["addresses"] = [_address(resource, address, books) for address in attrs["addresses"]]
    derived = dict(resource.derived)
    names = {
        "image": image.name if image is not None else booted,
        "created_by": books.name("user", attrs.get("user_id")),
        "volumes": _volumes(resource, books),
    }
    derived.update({name: value for name, value in names.items() if value})
    return replace(resource, attrs=attrs, derived=derived)


def _cluster(host: str | None, books: Books) -> str | None:
    found = books.hosts_named.get(host) if host else None
    return found.attrs.get("cluster") if found is not None else None


def _os(image: Resource | None, booted: str | None) -> str | None:
    """The image's family; for a VM that starts from a volume, that of the image which the volume was made from."""
    if image is not None:
        return image.attrs.get("os")
    return family_of(booted) if booted else None


def _boot_image(resource: Resource, books: Books) -> str | None:
    """The name of the image that the boot volume was made from."""
    if resource.attrs.get("image_id"):
        return None
    for volume_id in resource.attrs.get("volume_ids") or ():
        volume = books.find("volume", volume_id)
        if volume is not None and volume.attrs.get("bootable") and volume.attrs.get("image"):
            return str(volume.attrs["image"])
    return None


def _address(resource: Resource, address: Mapping[str, Any], books: Books) -> dict[str, Any]:
    """With the network's id: from the port that holds the address, else from the name where that is unique."""
    name = str(address.get("network") or "")
    network_id = (
        address.get("network_id")
        or books.networks_of.get((resource.external_id, str(address.get("ip"))))
        or books.networks_named.get((resource.project_id, name))
        or books.networks_named.get((None, name))
    )
    return {**address, "network_id": network_id} if network_id else dict(address)


def _volumes(resource: Resource, books: Books) -> list[dict[str, Any]]:
    """Both sides know an attachment: Nova which volumes, Cinder which device. What only one knows is shown too."""
    found: dict[str, dict[str, Any]] = {}
    for volume_id in resource.attrs.get("volume_ids") or ():
        volume = books.find("volume", volume_id)
        if volume is not None:
            found[volume_id] = _volume(volume, None)
    for volume, device in books.volumes_of.get(resource.external_id, ()):
        found[volume.external_id] = _volume(volume, device)
    return sorted(found.values(), key=lambda v: (str(v.get("device") or ""), str(v["id"])))


def _volume(volume: Resource, device: str | None) -> dict[str, Any]:
    told = {
        "id": volume.external_id,
        "name": volume.name,
        "size_gib": volume.attrs.get("size_gib"),
        "device": device,
    }
    return {name: value for name, value in told.items() if value is not None}
