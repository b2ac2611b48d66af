"""Kinds: volumes, snapshots and where they lie."""

from engines.inventory.fields import CREATED, DESCRIPTION, PLAIN, PROJECT, SCOPED, STATE, Field, Kind

VOLUME = Kind(
    "volume",
    "volume",
    "volumes",
    (
        *STATE,
        *PROJECT,
        Field("size_gib", "size", "gib"),
        Field("volume_type", "type", mask="name"),
        Field("bootable", "bootable", "flag"),
        Field("encrypted", "encrypted", "flag"),
        Field("multiattach", "multi-attach", "flag"),
        Field("zone", "zone"),
        Field("parent_id", "VM id", mask="id"),  # the first VM that it is attached to
        Field("attachments", "attachments", "list", mask="id"),  # [{"vm_id", "device"}], sorted
        Field("vm", "VM", where="derived", mask="name"),  # names, joined by ", "
        Field("snapshot_id", "from snapshot", mask="id"),
        Field("image", "from image", mask="name"),
        Field("guest_agent", "guest agent", "flag"),  # as the image says that it was made of
        Field("user_id", "created by (id)", mask="id"),
        Field("created_by", "created by", where="derived", mask="name"),
        Field("metadata", "metadata", "map", mask="name"),
        *DESCRIPTION,
        *CREATED,
        Field("updated", "updated", "time", "derived"),
    ),
    ("name", "state", "size_gib", "volume_type", "vm", "project", "domain", "created"),
    SCOPED | {"state", "vm", "volume", "host"},
    ("attached", "unattached", "error", "building", "unknown"),
    "size_gib",
)
SNAPSHOT = Kind(
    "snapshot",
    "snapshot",
    "snapshots",
    (
        *STATE,
        *PROJECT,
        Field("size_gib", "size", "gib"),
        Field("parent_id", "volume id", mask="id"),
        Field("volume", "volume", where="derived", mask="name"),
        Field("vm", "VM", where="derived", mask="name"),
        Field("metadata", "metadata", "map", mask="name"),
        *DESCRIPTION,
        *CREATED,
    ),
    ("name", "state", "size_gib", "volume", "vm", "project", "domain", "created"),
    SCOPED | {"state", "vm", "volume"},
    ("available", "error", "building", "orphaned", "unknown"),
    "size_gib",
)
VOLUME_BACKUP = Kind(
    "volume_backup",
    "volume backup",
    "volume backups",
    (
        *STATE,
        *PROJECT,
        Field("size_gib", "size", "gib"),  # of the volume; what it takes in the store the cloud does not tell
        Field("parent_id", "volume id", mask="id"),
        Field("volume", "volume", where="derived", mask="name"),
        Field("vm", "VM", where="derived", mask="name"),
        Field("snapshot_id", "from snapshot", mask="id"),
        Field("incremental", "incremental", "flag"),
        Field("base_id", "adds to backup", where="derived", mask="id"),  # worked out: the cloud does not tell it
        Field("needed", "others add to it", "flag", "derived"),
        Field("container", "container", mask="name"),
        Field("zone", "zone"),
        Field("encrypted", "encrypted", "flag"),
        Field("failure", "failure", mask="name"),
        Field("data_at", "state of", "time"),  # the moment that its data show
        Field("user_id", "created by (id)", mask="id"),
        Field("metadata", "metadata", "map", mask="name"),
        *DESCRIPTION,
        *CREATED,
    ),
    ("name", "state", "size_gib", "volume", "vm", "incremental", "project", "domain", "data_at"),
    SCOPED | {"state", "vm", "volume"},
    ("available", "error", "building", "unknown"),
    "size_gib",
)
VOLUME_TYPE = Kind(
    "volume_type",
    "volume type",
    "volume types",
    (*DESCRIPTION, Field("public", "public", "flag"), Field("extra_specs", "extra specs", "map")),
    ("name", "description", "public"),
    PLAIN,
)
DATASTORE = Kind(
    "datastore",
    "datastore",
    "datastores",
    (
        *STATE,
        Field("size_gib", "size", "gib"),
        Field("free_gib", "free", "gib", "derived"),
        Field("cluster", "cluster", mask="name"),
    ),
    ("name", "state", "size_gib", "free_gib", "cluster"),
    PLAIN | {"state", "cluster"},
    ("up", "down", "unknown"),
    "size_gib",
)

STORAGE_KINDS: tuple[Kind, ...] = (VOLUME, SNAPSHOT, VOLUME_BACKUP, VOLUME_TYPE, DATASTORE)
