"""Hooks: how implementations of the events are marked, checked, ordered and called. No HTTP, no I/O."""
