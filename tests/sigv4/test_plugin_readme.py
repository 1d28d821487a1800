"""The example of the README runs as it stands."""

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block


def test_example_runs(scripted: ScriptedServer) -> None:
    scripted.answer(response())
    (code,) = python_blocks("sigv4")
    assert run_block(code, scripted.url()) == (
        "200 AWS4-HMAC-SHA256\nhttps://bucket.s3.eu-west-1.amazonaws.com/a%20key\n"
    )
    assert scripted.requests[0].target == "/a%20key"
