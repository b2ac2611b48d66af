"""Restore drills: proof that the backups work. VMs come back beside their originals, are looked at, and go again."""
