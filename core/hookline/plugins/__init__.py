"""Which plugins a client has, and in which order: entry points, selection, checks, the list that users read."""
