"""Look up names in the public suffix list: who may set cookies for a domain."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@cache
def _list() -> "PublicSuffixList":
    """Load the list of the package publicsuffixlist, with its private part as in browsers.

    This takes about 35 ms, once, at the first Domain attribute; nothing is fetched from the network.
    """
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


@lru_cache(maxsize=1024)
def registrable_domain(domain: str) -> str | None:
    """Return the public suffix of `domain` with one more label; None if it has no more, or has an empty label.

    The suffix of a name outside the list is its last label (the list's default rule `*`). One trailing dot is ignored.
    """
    name = domain.removesuffix(".").lower()
    if not all(name.split(".")):
        return None
    return _list().privatesuffix(name)


def is_public_suffix(domain: str) -> bool:
    """Say whether `domain` is a public suffix (com, co.uk, github.io), for which no host may set cookies."""
    return registrable_domain(domain) is None
