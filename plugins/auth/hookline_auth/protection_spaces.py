"""Remember which nonce to use for which URLs: Digest's protection spaces (RFC 7616 sections 3.3 and 3.4).

A protection space is a server (an origin or a proxy) and a realm. It has one current session: a nonce with its cnonce and
its nonce count. Earlier sessions are kept for a while, because concurrent requests still use their nonces, and because a
server may send the same nonce to several of them: all these then count on in one session, so that no pair of nonce and
count is ever sent twice. All numbers have limits, since the peer chooses realms and nonces.
"""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from .digest_answer import MAX_COUNT
from .digest_challenge import DigestChallenge
from .lru import set_newest
from .url_parts import Origin, origin, request_target

MAX_SERVERS = 256  # origins and proxies with sessions
MAX_REALMS = 16  # of one server
MAX_SESSIONS = 128  # of one server; more than the concurrent requests of one client to an origin

# The name of the credentials' field tells an origin from a proxy of the same address.
Server = tuple[str, Origin]


@dataclass(slots=True, eq=False)
class DigestSession:
    """A nonce in use.

    prefixes: the session is for request targets that begin with one of these; None = for the whole server. count: how
    many answers were sent with this nonce.
    """

    server: Server
    challenge: DigestChallenge
    prefixes: tuple[str, ...] | None
    cnonce: str = field(default_factory=lambda: os.urandom(16).hex())  # 128 bits, fresh for each nonce
    count: int = 0

    def take_count(self) -> int:
        """Return the next nonce count; no two callers get the same."""
        self.count += 1
        return self.count

    def match_length(self, target: str) -> int:
        """Return the length of the longest prefix of a request target; 0 for the whole server, -1 for no match."""
        if self.prefixes is None:
            return 0
        return max((len(prefix) for prefix in self.prefixes if target.startswith(prefix)), default=-1)


@dataclass(slots=True)
class ServerSessions:
    """The sessions with one server, in both dicts the oldest first.

    current: by realm. known: by realm, nonce and hash.
    """

    current: dict[str, DigestSession] = field(default_factory=dict)
    known: dict[Hashable, DigestSession] = field(default_factory=dict)


class ProtectionSpaces:
    """The sessions of one pair of credentials."""

    def __init__(self) -> None:
        self.servers: dict[Server, ServerSessions] = {}

    def find(self, server: Server, target: str) -> DigestSession | None:
        """Return the session for a request before any challenge to it; None if its target is in no known space.

        The longest prefix wins, then the space that was entered last.
        """
        best: DigestSession | None = None
        sessions = self.servers.get(server)
        for session in sessions.current.values() if sessions else ():
            length = session.match_length(target)
            if length >= 0 and session.count < MAX_COUNT and (best is None or length >= best.match_length(target)):
                best = session
        return best

    def enter(self, server: Server, challenge: DigestChallenge) -> DigestSession:
        """Return the session for a challenge, and make it the current one of its realm."""
        sessions = set_newest(self.servers, server, self.servers.get(server) or ServerSessions(), MAX_SERVERS)
        key = (challenge.realm, challenge.nonce, challenge.hash_name)
        session = sessions.known.get(key)
        if session is None or session.count >= MAX_COUNT:
            session = DigestSession(server, challenge, _prefixes(server, challenge.domain))
        session.challenge = challenge
        set_newest(sessions.known, key, session, MAX_SESSIONS)
        return set_newest(sessions.current, challenge.realm, session, MAX_REALMS)

    def renew(self, session: DigestSession, nonce: str) -> None:
        """Make a session with the server's nextnonce the current one in place of this."""
        self.enter(session.server, replace(session.challenge, nonce=nonce, stale=False))

    def forget(self, session: DigestSession) -> None:
        """Use this session for no request before its challenge."""
        sessions = self.servers.get(session.server)
        if sessions and sessions.current.get(session.challenge.realm) is session:
            del sessions.current[session.challenge.realm]


def _prefixes(server: Server, domain: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return the request targets of this server that `domain` lists; None for a proxy, where it has no meaning.

    URIs of other origins are left out: these get credentials only after a challenge of their own.
    """
    field_name, own_origin = server
    if domain is None or field_name.lower() != "authorization":
        return None
    found: list[str] = []
    for uri in domain:
        try:
            if uri.startswith("/") and not uri.startswith("//"):
                found.append(uri)
            elif origin(uri) == own_origin:
                found.append(request_target(uri))
        except ValueError:
            continue
    return tuple(found)
