"""What a lower layer states as a Protocol, the class of an upper layer has. The type checker reads this file too.

Elsewhere it does not compare the two: objects pass from an upper layer to a lower one as Any, or by a cast.
"""

from __future__ import annotations

import inspect

import pytest

from hookline import Connection, HttpClient, HttpResponse
from hookline.client.configuration import Configuration, ConfiguredClient
from hookline.exchange import interfaces
from hookline.exchange.response_stream import StreamSource
from hookline.forks import ProcessBound
from hookline.hooks.data_listeners import DataListeners
from hookline.hooks.dispatch_table import DispatchTable
from hookline.hooks.handlers import EventSource
from hookline.hooks.stage import StagedResponse
from hookline.hooks.switch import Skipper
from hookline.http1.large_bodies import BodyReceiver
from hookline.network.pool import Pool
from hookline.network.timer import Watched
from hookline.wire.carrier import DataListener, ResponseReceiver


def client_is(client: HttpClient) -> tuple[interfaces.Client, ConfiguredClient, ProcessBound]:
    return client, client, client


def configuration_is(configuration: Configuration) -> interfaces.Configuration:
    return configuration


def response_is(
    response: HttpResponse,
) -> tuple[EventSource, StagedResponse, ResponseReceiver, Watched, StreamSource]:
    return response, response, response, response, response


def connection_is(connection: Connection) -> tuple[BodyReceiver, ProcessBound]:
    return connection, connection


def others_are(table: DispatchTable, listeners: DataListeners, pool: Pool) -> tuple[Skipper, DataListener, Watched]:
    return table, listeners, pool


IMPLEMENTATIONS: list[tuple[type, type]] = [
    (interfaces.Client, HttpClient),
    (ConfiguredClient, HttpClient),
    (ProcessBound, HttpClient),
    (interfaces.Configuration, Configuration),
    (EventSource, HttpResponse),
    (StagedResponse, HttpResponse),
    (ResponseReceiver, HttpResponse),
    (Watched, HttpResponse),
    (StreamSource, HttpResponse),
    (BodyReceiver, Connection),
    (ProcessBound, Connection),
    (Skipper, DispatchTable),
    (DataListener, DataListeners),
    (Watched, Pool),
]


@pytest.mark.parametrize(("protocol", "cls"), IMPLEMENTATIONS, ids=lambda found: found.__name__)
def test_methods_have_the_parameters_that_the_protocol_states(protocol: type, cls: type) -> None:
    stated = {
        name: value
        for base in protocol.__mro__
        for name, value in vars(base).items()
        if inspect.isfunction(value) and not name.startswith("__") and name not in ("_no_init_or_replace_init",)
    }
    for name, value in stated.items():
        found = inspect.getattr_static(cls, name)
        assert inspect.isfunction(found), f"{cls.__name__} has no method {name}"
        assert [*inspect.signature(found).parameters] == [*inspect.signature(value).parameters], name
