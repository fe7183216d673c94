"""One example through a network and back, read from the engine's own graph."""
