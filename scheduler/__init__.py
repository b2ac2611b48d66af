"""The clock and the workers."""
