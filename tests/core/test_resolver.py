"""`resolver=`: a function that resolves host names in place of the system."""

import asyncio
import gc
import warnings
from time import monotonic

import pytest

from hookline import ConnectTimeout, HttpClient, Timeout
from hookline.errors import ConnectionRefused, DNSError, HttpConnectionError
from hookline_testing.server import response
from servers.addresses import black_hole, refused_port


def resolver_of(*addresses):
    """A resolver that gives these for any host, and remembers what it was asked."""

    async def resolver(host, port):
        resolver.asked.append((host, port))
        return list(addresses)

    resolver.asked = []
    return resolver


@pytest.fixture(autouse=True)
def no_socket_is_left(recwarn):
    yield
    gc.collect()
    assert not [str(w.message) for w in recwarn if issubclass(w.category, ResourceWarning)]


async def test_resolver_is_called_once_per_connection(scripted):
    scripted.always(response(b"found"))
    resolver = resolver_of("127.0.0.1")
    async with HttpClient(autoload=False, resolver=resolver) as client:
        assert client.resolver is resolver
        for _ in range(2):
            assert (await client.get(scripted.url(host="somewhere.test"))).content == b"found"
        await client.get(scripted.url())
    assert resolver.asked == [("somewhere.test", scripted.port)]
    assert scripted.requests[0].header("host") == f"somewhere.test:{scripted.port}"


async def test_address_of_a_resolver_is_checked_against_the_name(make_scripted, certificates):
    server = make_scripted(ssl_context=certificates.server_context(), strict=False)
    server.always(response(b"trusted"))
    async with HttpClient(autoload=False, resolver=resolver_of("127.0.0.1"), verify=certificates.ca_file) as client:
        assert (await client.get(server.url(host="localhost"))).content == b"trusted"
        assert (await client.get(server.url(host="localhost."))).content == b"trusted"  # SNI has no dot
        with pytest.raises(HttpConnectionError, match="match"):
            await client.get(server.url(host="somewhere.test"))


async def test_next_address_is_tried_when_one_is_refused(scripted):
    scripted.always(response(b"found"))
    async with HttpClient(autoload=False, resolver=resolver_of("127.0.0.3", "127.0.0.2", "127.0.0.1")) as client:
        assert (await client.get(scripted.url(host="somewhere.test"))).content == b"found"


async def test_next_address_is_tried_beside_one_that_is_silent(scripted):
    scripted.always(response(b"found"))
    with black_hole("127.0.0.2", scripted.port):
        async with HttpClient(autoload=False, resolver=resolver_of("127.0.0.2", "127.0.0.1")) as client:
            begun = monotonic()
            assert (await client.get(scripted.url(host="somewhere.test"))).content == b"found"
            assert 0.2 < monotonic() - begun < 0.9  # the silent one would answer after a second at the earliest


async def test_order_of_the_resolver_is_kept(make_scripted):
    first = make_scripted()
    first.always(response(b"first"))
    with black_hole("127.0.0.2", first.port):
        async with HttpClient(autoload=False, resolver=resolver_of("127.0.0.1", "127.0.0.2")) as client:
            begun = monotonic()
            assert (await client.get(first.url(host="somewhere.test"))).content == b"first"
            assert monotonic() - begun < 0.2


async def test_all_refused_is_one_error():
    with refused_port() as port:
        async with HttpClient(autoload=False, resolver=resolver_of("127.0.0.1", "127.0.0.2")) as client:
            with pytest.raises(ConnectionRefused, match=f"no server listens at somewhere.test:{port}"):
                await client.get(f"http://somewhere.test:{port}/")


@pytest.mark.parametrize("ends", ["timeout", "cancel", "close"])
async def test_attempts_end_with_the_call(ends):
    with black_hole("127.0.0.1") as port, black_hole("127.0.0.2", port):
        client = HttpClient(autoload=False, resolver=resolver_of("127.0.0.1", "127.0.0.2"))
        task = asyncio.create_task(
            client.get(f"http://somewhere.test:{port}/", timeout=Timeout(connect=0.4 if ends == "timeout" else 5))
        )
        await asyncio.sleep(0.3)  # both are under way
        if ends == "cancel":
            task.cancel()
        elif ends == "close":
            await client.close()
        with pytest.raises(
            {"timeout": ConnectTimeout, "cancel": asyncio.CancelledError, "close": HttpConnectionError}[ends]
        ):
            await task
        assert client.stats().connections == 0
        await client.close()


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        ((), "no address for the host 'somewhere.test': resolver= gave none"),
        (("other.test",), "resolver= gave 'other.test', which is no IP address"),
        (("127.0.0.1\r\n",), "which is no IP address"),
    ],
)
async def test_resolver_without_an_address_is_named(addresses, words):
    async with HttpClient(autoload=False, resolver=resolver_of(*addresses)) as client:
        with pytest.raises(DNSError) as caught:
            await client.get("http://somewhere.test/")
    assert words in str(caught.value)


async def test_error_of_the_resolver_reaches_the_caller():
    async def resolver(host, port):
        raise LookupError(host)

    async with HttpClient(autoload=False, resolver=resolver, pool_size=1) as client:
        for _ in range(2):
            with pytest.raises(LookupError, match="somewhere"):
                await client.get("http://somewhere.test/")
        assert client.stats().connections == 0


async def test_slow_resolver_is_under_the_connect_timeout():
    async def resolver(host, port):
        await asyncio.sleep(10)

    async with HttpClient(autoload=False, resolver=resolver) as client:
        with pytest.raises(ConnectTimeout):
            await client.get("http://somewhere.test/", timeout=Timeout(connect=0.05))


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="resolver="):
        HttpClient(autoload=False, resolver="8.8.8.8")


async def test_unknown_host_is_named():
    async with HttpClient(autoload=False) as client:
        with pytest.raises(DNSError, match=r"'nowhere\.invalid'"):
            await client.get("http://nowhere.invalid/")


async def test_source_address_chooses_the_family(scripted):
    scripted.always(response(b"found"))
    resolver = resolver_of("::1", "127.0.0.1")
    async with HttpClient(autoload=False, resolver=resolver, source_address="127.0.0.1") as client:
        assert (await client.get(scripted.url(host="somewhere.test"))).content == b"found"
    async with HttpClient(autoload=False, resolver=resolver_of("::1"), source_address="127.0.0.1") as client:
        with pytest.raises(HttpConnectionError, match="address family"):
            await client.get(scripted.url(host="somewhere.test"))


async def test_races_leave_no_socket_open(scripted):
    scripted.always(response(b"found"))
    addresses = [f"127.0.0.{number}" for number in range(9, 0, -1)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        async with HttpClient(autoload=False, resolver=resolver_of(*addresses), pool_size=50) as client:
            answers = await asyncio.gather(*(client.get(scripted.url(host="somewhere.test")) for _ in range(50)))
        gc.collect()
    assert {answer.content for answer in answers} == {b"found"}
