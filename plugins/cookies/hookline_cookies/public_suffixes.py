"""Ask the public suffix list where a site begins."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@cache
def _list() -> "PublicSuffixList":
    """Load the list that comes with the package publicsuffixlist, private part included as in browsers.

    This takes about 35 ms, once, at the first Domain attribute; nothing is fetched from the network.
    """
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


@lru_cache(maxsize=1024)
def registrable_domain(domain: str) -> str | None:
    """Return the public suffix of `domain` and one label more; None where there is no such label.

    A name outside the list has its last label as its suffix (the list's default rule `*`). One trailing dot is passed
    over. A name with an empty label has no registrable domain.
    """
    name = domain.removesuffix(".").lower()
    if not all(name.split(".")):
        return None
    return _list().privatesuffix(name)


def is_public_suffix(domain: str) -> bool:
    """Tell whether nobody may set cookies for all of `domain`: com, co.uk, github.io."""
    return registrable_domain(domain) is None
