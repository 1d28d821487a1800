"""Plugins: which are installed, which a client gets, in which order they run, what they declare."""
