"""Names for these tests: a resolver whose answers a test sets, and servers that stand for a public and an internal host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hookline import Guard
from hookline_testing.server import ScriptedServer, response

# 127.0.0.2 stands for the internet: it is the only address that the guard of these tests permits.
PUBLIC = "127.0.0.2"
GUARD = Guard(allow=[PUBLIC])


class Names:
    """A resolver. Each look-up of a name takes the next of its answers; the last one stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    def set(self, name: str, *answers: list[str]) -> None:
        self.answers[name] = list(answers)

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self.answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def names() -> Names:
    return Names()


def server_at(make_scripted: Callable[..., ScriptedServer], host: str) -> ScriptedServer:
    server = make_scripted(host=host)
    server.always(response(f"from {host}".encode()))
    return server


@pytest.fixture
def public(make_scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    """A server at the address that is permitted."""
    return server_at(make_scripted, PUBLIC)


@pytest.fixture
def internal(make_scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    """A server that no guarded request may reach."""
    return server_at(make_scripted, "127.0.0.1")


@pytest.fixture
def internal_ipv6(make_scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    return server_at(make_scripted, "::1")
