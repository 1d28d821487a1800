"""Connections: pools and their limits, routes, DNS and TCP, TLS, timers."""
