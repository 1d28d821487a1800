"""A loopback server for tests: each test sets which bytes answer which request, and how they are cut."""

from .gate import Gate
from .request_reader import MalformedRequest
from .response_parts import NotPlayable
from .responses import chunked, head, response
from .script import Script
from .scripted_server import ScriptedServer
from .seen_request import SeenRequest

__all__ = [
    "Gate",
    "MalformedRequest",
    "NotPlayable",
    "Script",
    "ScriptedServer",
    "SeenRequest",
    "chunked",
    "head",
    "response",
]
