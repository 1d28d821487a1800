"""The examples of the README run as they stand."""

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.event_streams import ended
from kit.readme import python_blocks, run_block

OUTPUTS = [
    "1 message 1\n1 message 2\n['1', '2']\n",
    "1\n2\n",
    "ServerSentEvent(data='one', event='message', id='7', retry=None)\n7\n",
]


@pytest.mark.parametrize(
    ("code", "output"), list(zip(python_blocks("sse"), OUTPUTS, strict=True)), ids=["calls", "for", "parser"]
)
def test_example_runs(code: str, output: str, scripted: ScriptedServer) -> None:
    stream = ended(b"retry: 0\nid: 1\ndata: 1\n\ndata: 2\n\n")
    scripted.answer(stream)
    if "asyncio" in code:
        scripted.answer(response(b"", 204), stream)
    if "EventParser" in code:
        scripted.always(stream)
    assert run_block(code, scripted.url()) == output
