"""Which host of the demo cloud a VM goes to."""

import heapq

from engines.clouds.demo_catalogue import Source
from engines.clouds.demo_model import Host


class Loads:
    """Which host a VM goes to: the one with the least memory given away. What is taken is never given back."""

    def __init__(self, hosts: tuple[Host, ...]) -> None:
        self.hosts = hosts
        self.cpu = [0] * len(hosts)
        self.memory = [0] * len(hosts)
        self.heaps = {s: [(0.0, i) for i, h in enumerate(hosts) if h.source == s] for s in {h.source for h in hosts}}

    def take(self, source: Source, vcpus: int, memory_mib: int) -> int:
        _, host = heapq.heappop(self.heaps[source])
        self.cpu[host] += vcpus
        self.memory[host] += memory_mib
        fill = max(self.memory[host] / self.hosts[host].memory_room, self.cpu[host] / self.hosts[host].cpu_room)
        fill += 0.35 if self.hosts[host].state == "disabled" else 0.0  # it is being emptied
        heapq.heappush(self.heaps[source], (fill, host))
        return host

    def spare(self) -> tuple[tuple[int, int], ...]:
        return tuple(
            (h.cpu_room - c, h.memory_room - m) for h, c, m in zip(self.hosts, self.cpu, self.memory, strict=True)
        )
