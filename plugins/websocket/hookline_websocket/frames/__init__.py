"""Frames (RFC 6455, section 5): from bytes to messages and control frames, and back. It does no I/O."""
