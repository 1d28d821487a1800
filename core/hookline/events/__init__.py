"""From implementations to calls: who runs at an event, in which order, and what becomes of the answers."""
