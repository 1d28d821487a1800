"""Send objects as MessagePack with msgpack=, and decode responses of type application/msgpack."""

import msgpack

from hookline import Body, MediaType, hookimpl

TYPE = "application/msgpack"


class MsgPack:
    @hookimpl
    def declare(self):
        return [
            Body("msgpack", encode, doc="an object, which is sent as MessagePack"),
            MediaType((TYPE, "application/x-msgpack", "+msgpack"), decode, doc="an object"),
        ]


def encode(request, value):
    return msgpack.packb(value), TYPE


def decode(response):
    try:
        return msgpack.unpackb(response.content)
    except (ValueError, msgpack.UnpackException) as error:
        raise ValueError(f"the body is not MessagePack: {error}") from error
