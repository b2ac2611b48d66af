"""Pasted text that is not said to anybody: logs, alerts, code, command lines, SQL."""

import re

_TOOLS = (
    "openstack|nova|cinder|neutron|glance|govc|kubectl|virsh|systemctl|ansible|ansible-playbook|terraform|docker|ncli|"
    "acli|sudo|ssh|scp|curl|wget|git|esxcli|ping|vim-cmd|Get-VM|Stop-VM|Start-VM|Restart-VM"
)
_MONITORS = (
    "zabbix|nagios|prometheus|grafana|alertmanager|icinga|checkmk|pagerduty|opsgenie|datadog|prtg|sensu|uptime ?robot|"
    "vrops|aria|sentry"
)
_PATTERNS = (
    r"^\s*\[?\d{4}-\d\d-\d\d[t ]\d\d:\d\d",  # a time stamp at the start
    r"^\s*\w{3}\s+\d{1,2} \d\d:\d\d:\d\d\b",
    r"^\s*(\[\w+[:\]]|\{|<\d+>|\$ |# (?!of |number )|> |>>> )",
    r"^\s*(info|warn|warning|error|debug|fatal|critical|trace|notice|alert|problem|resolved|ok|exception)\s*[:|\]]",
    r"^\s*(INFO|WARN|WARNING|ERROR|DEBUG|FATAL|CRITICAL|TRACE|ALERT|PROBLEM|RESOLVED|RECOVERY)\b[ :-]+[\d\w]",
    rf"^\s*({_MONITORS})\b\s*[:\[-]",
    rf"^\s*({_MONITORS})\s+(alert|alarm|problem|warning|critical|notification|incident|resolved|triggered|ok)\b",
    r"\b(select\s.+\sfrom|delete\s+from|insert\s+into|update\s.+\sset|drop\s+table|alter\s+table)\s.*[;=]",
    r";\s*$",
    rf"\b({_TOOLS})\s+(?:\S+\s+){{0,6}}--?[a-z]",
    r"^\s*openstack (server|volume|network|project|user|router|image|flavor|port|subnet|hypervisor)\s",
    r"^\s*(nova|cinder|neutron|glance|kubectl|virsh|systemctl|sudo|govc|terraform|ansible-playbook"
    r"|esxcli|acli|ncli)\s+[a-z0-9]",
    r"\w\.\w+\(|\w+\(\)|==|!=|&&|\|\||\brc=\d|\w+=\w+ \w+=|\bif \S+ ?: ",
    r"traceback \(most|\bat 0x|stack ?trace|\bexit code\b|\w\[\d+\]:|\w\[\d+\] ",
    r"^\s*(subject|from|to|cc|re|fwd|aw|wg):\s.*\[?(ticket|#\d|@)",
    r"^\s*(vpxd|hostd|vpxa|fdm|vmkernel|vobd|vmkwarning|sshd|systemd|kernel|dhcpd|keystone|libvirtd|ovs-vswitchd|"
    r"(nova|cinder|neutron|glance|heat|octavia|swift|keystone)-[a-z-]+)\s*:",
    r"^\s*[\w.]+\.\w*(error|exception|fault)\b|^\s*\w+: (error|warning|fatal|notice)\b|^\s*[\w-]+\.log\b",
    r"(?-i::\s*(FAIL|FAILED|CRIT|CRITICAL|WARN|WARNING|ERR|ERROR|OK|UNKNOWN)\s*[:(-])",
    r"\b[a-z]\w*\.\w+\.\w*(?:error|exception)\b|^\s*[\w.-]+>\s|^\s*<[a-z]+>\s",
    r"\bload average:|\bapiversion:\s|^\s*task-\d+ \[|\.exceptions\.\w+:|^\s*\d\d:\d\d:\d\d up ",
    r"^\s*(rm|mv|cp|ls|cat|grep|tail|head|chmod|chown|mkfs|dd|ps|df|du|lsblk|mount|umount|nmap|tcpdump|apt|yum|dnf|pip|"
    r"psql|mysql|awk|sed|find|rsync)\s+[-/~.]",
    r"^\s*(\|--|\+--|\*\*+ |=+ |-{3,}|\|\s)|^\s*(subject|betreff|ticket|jira)\s*[:#]|^\s*\w+ event:|^\s*\[[A-Z]+-\d+\]",
    r"^\s*(GET|POST|PUT|DELETE|PATCH) /|\bHTTP(/\d(\.\d)?)? [1-5]\d\d\b",
    r"\b[45]\d\d (forbidden|not found|conflict|unauthorized)",
    r"^\s*(resolved|firing|recovery|triggered|acknowledged|problem)\s+[-:(]",
    r"^\s*(def|class|import|from) \w+.*[:;]\s*$",
)
_FOLDED = tuple(pattern for pattern in _PATTERNS if "INFO|WARN" not in pattern)
_OPENING = re.compile("|".join(f"(?:{p})" for p in _FOLDED if p.startswith("^") and "|^" not in p), re.I | re.S)
_INSIDE = re.compile("|".join(f"(?:{p})" for p in _FOLDED if not p.startswith("^") or "|^" in p), re.I | re.S)
_LEVEL = re.compile(_PATTERNS[4])  # only in capitals: "error vms" is a question


def is_log(text: str) -> bool:
    head = text[:600]
    return bool(_OPENING.match(head) or _INSIDE.search(head) or _LEVEL.match(head))
