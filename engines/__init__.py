"""The work. Knows nothing of chat, language or how it is scheduled."""
