"""Plugins: which are installed, which of them a client loads, in which order they run, and what they declare."""
