"""The sheets that are not of VMs: hosts, clusters, storage, networks and the export itself."""

from engines.migration.reading.fields import Field, flag, number, text, time

_SERVER = (text("server", "VI SDK Server"), text("server_uuid", "VI SDK UUID", "vCenter UUID"))

PLATFORM: tuple[tuple[str, str, tuple[Field, ...]], ...] = (
    (
        "vHost",
        "name",
        (
            text("name", "Host", "vHostName", "Name"),
            text("datacenter", "Datacenter"),
            text("cluster", "Cluster"),
            flag("maintenance", "in Maintenance Mode"),
            text("cpu_model", "CPU Model"),
            number("speed_mhz", "Speed"),
            number("sockets", "# CPU"),
            number("cores", "# Cores", "NumCpuCores"),
            number("cpu_percent", "CPU usage %"),
            number("memory_mib", "# Memory", "MemorySize"),
            number("memory_percent", "Memory usage %"),
            number("nics", "# NICs"),
            text("esx_version", "ESX Version"),
            text("vendor", "Vendor"),
            text("model", "Model"),
            *_SERVER,
        ),
    ),
    (
        "vCluster",
        "name",
        (
            text("name", "Name", "Cluster"),
            number("hosts", "NumHosts"),
            number("effective_hosts", "numEffectiveHosts"),
            number("cpu_mhz", "TotalCpu"),
            number("cores", "NumCpuCores"),
            number("threads", "NumCpuThreads"),
            number("memory_mib", "TotalMemory"),
            flag("ha", "HA enabled"),
            flag("drs", "DRS enabled"),
            flag("dpm", "DPM enabled"),
            *_SERVER,
        ),
    ),
    (
        "vDatastore",
        "name",
        (
            text("name", "Name"),
            text("type", "Type"),
            flag("accessible", "Accessible"),
            number("capacity_mib", "Capacity MiB"),
            number("provisioned_mib", "Provisioned MiB"),
            number("in_use_mib", "In Use MiB"),
            number("free_mib", "Free MiB"),
            text("cluster", "Cluster name"),
            *_SERVER,
        ),
    ),
    (
        "vRP",
        "name",
        (
            text("name", "Resource Pool name", "Resource pool"),
            text("path", "Resource Pool path"),
            number("vms", "# VMs"),
            *_SERVER,
        ),
    ),
    (
        "dvPort",
        "name",
        (
            text("name", "Port", "Port Group"),
            text("switch", "Switch"),
            text("vlan", "VLAN"),
            flag("promiscuous", "Allow Promiscuous"),
            flag("mac_changes", "Mac Changes"),
            flag("forged", "Forged Transmits"),
            *_SERVER,
        ),
    ),
    (
        "vPort",
        "name",
        (
            text("name", "Port Group"),
            text("switch", "Switch"),
            text("vlan", "VLAN"),
            flag("promiscuous", "Promiscuous Mode"),
            flag("mac_changes", "Mac Changes"),
            flag("forged", "Forged Transmits"),
            *_SERVER,
        ),
    ),
    (
        "vNIC",
        "host",
        (text("host", "Host"), text("device", "Network Device"), number("speed_mbps", "Speed"), *_SERVER),
    ),
    (
        "vSC_VMK",
        "port_group",
        (text("port_group", "Port Group"), text("host", "Host"), text("device", "Device"), *_SERVER),
    ),
    (
        "vSource",
        "name",
        (
            text("name", "Name"),
            text("version", "Version"),
            text("build", "Build"),
            text("full_name", "Fullname"),
            *_SERVER,
        ),
    ),
    (
        "vMetaData",
        "version",
        (
            text("version", "RVTools version"),
            text("major", "RVTools major version"),
            time("created", "xlsx creation datetime"),
            text("server", "Server"),
        ),
    ),
)
