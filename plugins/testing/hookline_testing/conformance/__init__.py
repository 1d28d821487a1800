"""Whether a plugin does what every plugin has to: `check_plugin("name")`."""

from .kit import CHECKS, assert_conforms, check_plugin
from .report import Check, Report

__all__ = ["CHECKS", "Check", "Report", "assert_conforms", "check_plugin"]
