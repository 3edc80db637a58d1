"""Examines a loss, or this machine: ``ssimloss doctor`` on the command line."""

from ssimloss.doctor.examination import CHECKS, Check, examine, examine_named
from ssimloss.doctor.loading import load
from ssimloss.doctor.records import Examination, Finding
from ssimloss.doctor.this_machine import Machine, machine

__all__ = [
    "CHECKS",
    "Check",
    "Examination",
    "Finding",
    "Machine",
    "examine",
    "examine_named",
    "load",
    "machine",
]
