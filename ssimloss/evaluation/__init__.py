"""Folders of images or clips, compared: files in, tables and a page out. Needs the extra ``cli``,
and ``video`` for clips.
"""

from ssimloss.evaluation.compare import LargestError, PairComparison, compare
from ssimloss.evaluation.images import Header, Image, ImageError, inspect, read
from ssimloss.evaluation.pairs import Pair, Pairing, find_pairs
from ssimloss.evaluation.report import write_report
from ssimloss.evaluation.result import (
    ClipRecord,
    Comparison,
    Evaluation,
    ImageRecord,
    MetricInfo,
    SetSummary,
    Summary,
)
from ssimloss.evaluation.run import evaluate
from ssimloss.evaluation.runs import compare_runs, read_run
from ssimloss.evaluation.tables import paper_table

__all__ = [
    "evaluate",
    "find_pairs",
    "Pair",
    "Pairing",
    "Evaluation",
    "ImageRecord",
    "ClipRecord",
    "MetricInfo",
    "Summary",
    "SetSummary",
    "Comparison",
    "write_report",
    "paper_table",
    "compare_runs",
    "read_run",
    "compare",
    "PairComparison",
    "LargestError",
    "read",
    "inspect",
    "Image",
    "Header",
    "ImageError",
]
