"""Bringing a VM back: what it can come back from, its recipe, the plan, the steps."""
