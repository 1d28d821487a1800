"""Servers in memory: the client gets one end of a socket pair, and a coroutine in the same loop answers at the other."""
