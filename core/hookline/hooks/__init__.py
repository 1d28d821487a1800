"""The events: how implementations are marked, combined into tables and called. Knows no HTTP and does no I/O."""
