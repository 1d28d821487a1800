"""Servers in memory: the client has one end of a pair of sockets, and a coroutine in the same loop answers at the other."""
