"""A loopback server of which a test says, request by request, which bytes come back and how they are cut."""

from .changes import Gate
from .messages import chunked, head, response
from .script import Script
from .scripted import ScriptedServer
from .seen import MalformedRequest, SeenRequest

__all__ = ["Gate", "MalformedRequest", "Script", "ScriptedServer", "SeenRequest", "chunked", "head", "response"]
