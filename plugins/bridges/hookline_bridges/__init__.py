"""Bridges: other libraries send their requests with the HTTP client Hookline.

Each bridge is a package of its own, which needs the library of its name: `hookline_bridges.httpx2`, `hookline_bridges.httpx`,
`hookline_bridges.requests`, `hookline_bridges.fsspec`, `hookline_bridges.scrapy`. No plugin of a client is here.
"""

__version__ = "0.1.0"
