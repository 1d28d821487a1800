"""Remember which nonce to answer with where: Digest's protection spaces (RFC 7616 sections 3.3 and 3.4).

A space is an origin (or a proxy) and a realm. It has one current session: a nonce with its cnonce and its count. The
sessions before it are kept for a while, because concurrent requests are still answered with their nonces, and a
server may hand the same nonce out to several of them: their counts go on from one place, so that no pair of nonce and
count is ever sent twice. Everything is bounded, as the peer chooses the realms and the nonces.
"""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from .bounded import touch
from .digest_answer import MAX_COUNT, DigestChallenge
from .targets import Origin, origin, request_target

MAX_PLACES = 256  # origins and proxies with sessions
MAX_REALMS = 16  # per place
MAX_SESSIONS = 128  # per place, beyond what one client has under way to an origin

Place = tuple[str, Origin]  # the credentials' field name tells an origin from a proxy


@dataclass(slots=True, eq=False)
class Session:
    """A nonce in use. prefixes are the request targets it is meant for, None the whole place."""

    place: Place
    challenge: DigestChallenge
    prefixes: tuple[str, ...] | None
    cnonce: str = field(default_factory=lambda: os.urandom(16).hex())  # 128 bits, fresh for each nonce
    count: int = 0

    def take_count(self) -> int:
        """Return the next count; no two callers get the same."""
        self.count += 1
        return self.count

    def reach(self, target: str) -> int:
        """Return how specifically this session is meant for a request target: -1 not at all."""
        if self.prefixes is None:
            return 0
        return max((len(prefix) for prefix in self.prefixes if target.startswith(prefix)), default=-1)


@dataclass(slots=True)
class _Sessions:
    current: dict[str, Session] = field(default_factory=dict)  # by realm, oldest first
    known: dict[Hashable, Session] = field(default_factory=dict)  # oldest first


class Spaces:
    """The sessions of one pair of credentials."""

    def __init__(self) -> None:
        self._places: dict[Place, _Sessions] = {}

    def find(self, place: Place, target: str) -> Session | None:
        """Return the session to answer with before being asked; None where the target is in no known space.

        The longest prefix wins, then the space that was entered last.
        """
        best: Session | None = None
        sessions = self._places.get(place)
        for session in sessions.current.values() if sessions else ():
            reach = session.reach(target)
            if reach >= 0 and session.count < MAX_COUNT and (best is None or reach >= best.reach(target)):
                best = session
        return best

    def enter(self, place: Place, challenge: DigestChallenge) -> Session:
        """Return the session for a challenge, and make it the current one of its realm."""
        sessions = touch(self._places, place, self._places.get(place) or _Sessions(), MAX_PLACES)
        key = (challenge.realm, challenge.nonce, challenge.hash_name)
        session = sessions.known.get(key)
        if session is None or session.count >= MAX_COUNT:
            session = Session(place, challenge, _prefixes(place, challenge.domain))
        session.challenge = challenge
        touch(sessions.known, key, session, MAX_SESSIONS)
        return touch(sessions.current, challenge.realm, session, MAX_REALMS)

    def renew(self, session: Session, nonce: str) -> None:
        """Go on with the server's nextnonce in the session's space."""
        self.enter(session.place, replace(session.challenge, nonce=nonce, stale=False))

    def forget(self, session: Session) -> None:
        """Do not answer with this session again before being asked."""
        sessions = self._places.get(session.place)
        if sessions and sessions.current.get(session.challenge.realm) is session:
            del sessions.current[session.challenge.realm]


def _prefixes(place: Place, domain: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return the request targets in this place that domain names; it has no meaning for a proxy.

    URIs of other origins are left out: credentials are sent there only when that origin asks for itself.
    """
    field_name, here = place
    if domain is None or field_name.lower() != "authorization":
        return None
    found: list[str] = []
    for uri in domain:
        try:
            if uri.startswith("/") and not uri.startswith("//"):
                found.append(uri)
            elif origin(uri) == here:
                found.append(request_target(uri))
        except ValueError:
            continue
    return tuple(found)
