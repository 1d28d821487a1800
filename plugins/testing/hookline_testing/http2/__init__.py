"""A loopback server of HTTP/2 whose frames the test chooses, good or bad. `hookline-testing[http2]` has what it needs."""

from .field_blocks import encode_integer, field_block, indexed, literal, table_size
from .frame_server import FrameServer
from .frame_session import FrameRequest, FrameSession
from .frames import Flag, Frame, FrameType, Setting, frame, split_frames

__all__ = [
    "Flag",
    "Frame",
    "FrameRequest",
    "FrameServer",
    "FrameSession",
    "FrameType",
    "Setting",
    "encode_integer",
    "field_block",
    "frame",
    "indexed",
    "literal",
    "split_frames",
    "table_size",
]
