"""Changes: what they need, who decides, and what came of it."""
