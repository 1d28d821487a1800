"""The fixtures, in runs of pytest of their own."""

import pytest

from hookline_testing.server import ScriptedServer, response

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def settings(pytester: pytest.Pytester) -> None:
    """Without it, pytest-asyncio warns in every run."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")


SYNCHRONOUS = """
from hookline import HttpClient

def test_used(hookline_mock):
    hookline_mock.get("https://api.example/").reply(text="ok")
    with HttpClient() as client:
        assert client.get("https://api.example/").text == "ok"

def test_unused(hookline_mock):
    hookline_mock.get("https://api.example/unused")

def test_unexpected_and_caught(hookline_mock):
    with HttpClient() as client:
        try:
            client.get("https://api.example/caught")
        except AssertionError:
            pass

def test_fails_by_itself(hookline_mock):
    hookline_mock.get("https://api.example/never")
    with HttpClient() as client:
        try:
            client.get("https://api.example/swallowed")
        except AssertionError:
            pass
    assert False, "its own failure"

def test_after():
    import os
    assert "HOOKLINE_PLUGINS" not in os.environ
"""


def test_mock_fails_the_test_and_not_its_teardown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SYNCHRONOUS)
    result = pytester.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(
        [
            "1 route was not used as expected",
            "  GET https://api.example/unused: 0 of 1 replies",
            "no route expects GET https://api.example/caught",
            "*AssertionError: its own failure",
            "*- Captured hookline_mock call -*",
            "no route expects GET https://api.example/swallowed",
        ]
    )


def test_mock_works_in_asynchronous_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from hookline import HttpClient

        @pytest.mark.asyncio
        async def test_used(hookline_mock):
            hookline_mock.get("https://api.example/").reply(text="ok")
            async with HttpClient() as client:
                assert (await client.get("https://api.example/")).text == "ok"

        @pytest.mark.asyncio
        async def test_unused(hookline_mock):
            hookline_mock.get("https://api.example/")
        """
    )
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1, failed=1)


def test_server_is_scripted(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from hookline import ConnectionClosed, HttpClient, ReadTimeout, Timeout
        from hookline_testing.server import Script, head, response

        def test_answers(hookline_server):
            hookline_server.answer(response(b"one"), Script(head(200, [("Content-Length", "9")])).send(b"half").reset())
            hookline_server.answer(Script().drip(response(b"slow"), 0.001, 5), Script().stall())
            with HttpClient() as client:
                assert client.post(hookline_server.url("/path"), data=b"x").text == "one"
                with pytest.raises(ConnectionClosed):
                    client.get(hookline_server.url())
                assert client.get(hookline_server.url()).text == "slow"
                with pytest.raises(ReadTimeout):
                    client.get(hookline_server.url(), timeout=Timeout(read=0.05))
            first = hookline_server.requests[0]
            assert (first.method, first.target, first.body) == ("POST", "/path", b"x")

        def test_without_an_answer(hookline_server):
            with HttpClient() as client:
                assert client.get(hookline_server.url()).status_code == 500
        """
    )
    result = pytester.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*AssertionError: No answer left for GET /"])


def test_plugin_imports_nothing_of_hookline_before_a_fixture_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert "hookline" not in sys.modules
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_cassette_is_recorded_once_and_replayed(pytester: pytest.Pytester, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"recorded"))
    pytester.makepyfile(
        f"""
        import pytest
        from hookline import HttpClient

        def test_it(hookline_cassette):
            with HttpClient() as client:
                assert client.get("{scripted.url()}?key=s3cret").text == "recorded"

        test_it = pytest.mark.hookline_cassette(name="named", redact=["key"])(test_it)
        """
    )
    for _ in range(2):
        pytester.runpytest_subprocess("-W", "error", "--strict-markers").assert_outcomes(passed=1)
    assert len(scripted.requests) == 1
    (path,) = pytester.path.glob("cassettes/*/*.har")
    assert path.name == "named.har"
    assert "s3cret" not in path.read_text()
    path.unlink()
    pytester.runpytest_subprocess("--hookline-record=none").assert_outcomes(errors=1)
