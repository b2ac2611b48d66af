"""From an RVTools workbook to a migration plan: pure functions over frozen records; no database, no chat.

`reading` makes an Estate of a file, `assessment` grades its VMs, `tenants` says whose they are, and `transfer`,
`times` and `schedules` say how long it takes.
"""
