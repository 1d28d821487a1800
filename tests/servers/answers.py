"""The part of `hookline_testing.server` of this name, under the name that tests know."""

from hookline_testing.server.answers import Answer, Answers, Handler, Plan, Responder

__all__ = ["Answer", "Answers", "Handler", "Plan", "Responder"]
