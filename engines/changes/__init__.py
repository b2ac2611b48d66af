"""Changes: from a plan that was allowed to what came of it."""
