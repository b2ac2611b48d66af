"""One module a chat platform: parse what came in, render what goes out."""
