"""Checks that every plugin must pass: `check_plugin("name")`."""

from .checks import CHECKS, assert_conforms, check_plugin
from .report import Check, Report

__all__ = ["CHECKS", "Check", "Report", "assert_conforms", "check_plugin"]
