"""Choose the cookies for a request and put them in order (RFC 6265bis section 5.8.3)."""

from collections.abc import Iterable

from .matching import domains_of, path_match, request_paths
from .parsing import octets
from .shelf import Held, Shelf

# Octets of the field value. Apache takes 8190 for the whole line by default (LimitRequestFieldSize), others 8 KiB.
MAX_HEADER = 8190 - len("Cookie: ")


def for_host(shelf: Shelf, host: str, secure: bool) -> list[Held]:
    """Return what is stored for a canonical host, whatever the path, by creation; expired ones included."""
    found: list[Held] = []
    for domain in domains_of(host):
        in_domain = shelf.domains.get(domain)
        if in_domain is not None:
            for held in in_domain.values():
                cookie = held.cookie
                if (secure or not cookie.secure) and (not cookie.host_only or domain == host):
                    found.append(held)
    found.sort(key=_created)
    return found


def for_path(found: Iterable[Held], path: str) -> list[Held]:
    """Return what of it goes to `path` (no query): longer paths first, then in the order given."""
    forms = request_paths(path)
    chosen = [held for held in found if any(path_match(form, held.cookie.path) for form in forms)]
    chosen.sort(key=_shortness)
    return chosen


def _created(held: Held) -> int:
    return held.created


def _shortness(held: Held) -> int:
    return -len(held.cookie.path)


def render(chosen: list[Held]) -> tuple[str | None, list[Held]]:
    """Return the value of the Cookie field, None where there is nothing to send, and the cookies in it.

    A field that is too long would be answered with 400 until the cookies expire. So what does not fit is left out; it
    does not keep out a shorter one after it.
    """
    header = _join(chosen)
    if octets(header) > MAX_HEADER:
        chosen = _fitting(chosen)
        header = _join(chosen)
    return header or None, chosen


def _fitting(chosen: Iterable[Held]) -> list[Held]:
    kept = []
    room = MAX_HEADER + len("; ")
    for held in chosen:
        size = octets(held.cookie.name) + octets(held.cookie.value) + len("=; ")
        if size <= room:
            room -= size
            kept.append(held)
    return kept


def _join(chosen: Iterable[Held]) -> str:
    return "; ".join([f"{held.cookie.name}={held.cookie.value}" for held in chosen])
