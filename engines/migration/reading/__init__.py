"""Reading an export: what is taken, what is left out and why. Files are hostile until they were looked at."""
