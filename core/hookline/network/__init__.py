"""Connections of a client: pools and their limits, routes, DNS and TCP, TLS, and what belongs to an event loop."""
