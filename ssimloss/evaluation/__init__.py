"""Folders of images, compared: files in, tables and a page out. Needs the extra ``cli``."""

from ssimloss.evaluation.compare import LargestError, PairComparison, compare
from ssimloss.evaluation.images import Header, Image, ImageError, inspect, read
from ssimloss.evaluation.pairs import Pair, Pairing, find_pairs
from ssimloss.evaluation.report import write_report
from ssimloss.evaluation.result import Comparison, Evaluation, ImageRecord, MetricInfo, Summary
from ssimloss.evaluation.run import evaluate

__all__ = [
    "evaluate",
    "find_pairs",
    "Pair",
    "Pairing",
    "Evaluation",
    "ImageRecord",
    "MetricInfo",
    "Summary",
    "Comparison",
    "write_report",
    "compare",
    "PairComparison",
    "LargestError",
    "read",
    "inspect",
    "Image",
    "Header",
    "ImageError",
]
