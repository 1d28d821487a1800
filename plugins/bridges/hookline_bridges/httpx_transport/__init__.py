"""The transport for httpx and httpx2, written once over both: they have the same interface.

`hookline_bridges.httpx` and `hookline_bridges.httpx2` make it a class of their library. `library` stands for the module `httpx`
or `httpx2` everywhere here.
"""
