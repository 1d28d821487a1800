"""Answers as servers of language models give them to the SDKs `openai` and `anthropic`, for a scripted server.

tests/bridges/sdks checks that each parses as the type that the package has for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hookline_testing.server import SeenRequest, response
from hookline_testing.server.answer_queue import Answer
from kit.event_streams import ended

Json = dict[str, Any]
WORDS = ("Hello", ", world", "!")
TEXT = "".join(WORDS)


def answer_of(body: Json, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """Return a response with a JSON body."""
    return response(json.dumps(body).encode(), status, [("Content-Type", "application/json"), *headers])


# -- openai


def chat_completion(text: str = TEXT) -> Json:
    """Return the answer of POST /chat/completions."""
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "small",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5},
    }


def chat_chunks(words: Sequence[str] = WORDS) -> list[Json]:
    """Return the events of a streamed chat completion, but for the last, which is [DONE]."""

    def chunk(delta: Json, reason: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        start = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "small"}
        return {**start, "choices": [choice]}

    first = chunk({"role": "assistant", "content": ""})
    return [first, *(chunk({"content": word}) for word in words), chunk({}, "stop")]


def response_of_responses(text: str = TEXT) -> Json:
    """Return the answer of POST /responses."""
    content = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [content]}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "model": "small",
        "status": "completed",
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def response_events(words: Sequence[str] = WORDS) -> list[Json]:
    """Return the events of a streamed response of /responses."""
    place: Json = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
    deltas: list[Json] = [{"type": "response.output_text.delta", "delta": word, **place} for word in words]
    completed: Json = {"type": "response.completed", "response": response_of_responses("".join(words))}
    return [{**event, "sequence_number": number} for number, event in enumerate([*deltas, completed])]


def openai_error(message: str = "not so", kind: str = "invalid_request_error") -> Json:
    """Return the body of an error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def openai_events(words: Sequence[str] = WORDS) -> list[bytes]:
    """Return the events of a streamed chat completion as they are sent."""
    return [*(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chat_chunks(words)), b"data: [DONE]\n\n"]


# -- anthropic


def message(text: str = TEXT) -> Json:
    """Return the answer of POST /v1/messages."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "small",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 2, "output_tokens": 3},
    }


def message_events(words: Sequence[str] = WORDS) -> list[Json]:
    """Return the events of a streamed message."""
    start = {**message(""), "content": [], "stop_reason": None}
    return [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in words),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 3},
        },
        {"type": "message_stop"},
    ]


def anthropic_error(message: str = "not so", kind: str = "invalid_request_error") -> Json:
    """Return the body of an error."""
    return {"type": "error", "error": {"type": kind, "message": message}}


def named_events(events: Sequence[Json]) -> list[bytes]:
    """Return events as they are sent with the names of their types."""
    return [b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode()) for event in events]


def anthropic_events(words: Sequence[str] = WORDS) -> list[bytes]:
    """Return the events of a streamed message as they are sent; a ping is among them."""
    first, *others = named_events(message_events(words))
    return [first, *named_events([{"type": "ping"}]), *others]


# -- files


def file_object(size: int, name: str = "data.bin") -> Json:
    """Return the answer to an upload, which parses as the type of either package."""
    return {
        "id": "file_1",
        "created_at": 1700000000,
        "filename": name,
        "object": "file",
        "bytes": size,
        "purpose": "user_data",
        "status": "uploaded",
        "type": "file",
        "mime_type": "application/octet-stream",
        "size_bytes": size,
    }


# -- a server of both


def model_answer(request: SeenRequest) -> Answer:
    """Answer a request of either SDK: a completion, streamed if it asks for that, or the file that it sends."""
    if request.path.endswith("/files"):
        return answer_of(file_object(len(request.body)))
    is_streamed = request.json().get("stream", False)
    if request.path.endswith("/chat/completions"):
        return ended(*openai_events()) if is_streamed else answer_of(chat_completion())
    if request.path.endswith("/responses"):
        return ended(*named_events(response_events())) if is_streamed else answer_of(response_of_responses())
    if request.path.endswith("/messages"):
        return ended(*anthropic_events()) if is_streamed else answer_of(message())
    return answer_of({"error": {"message": f"no such path: {request.path}"}}, 404)
