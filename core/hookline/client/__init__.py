"""The client: what users make, configure and call."""
