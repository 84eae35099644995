"""The network: one polite client, and the public services that are read through it."""
