"""The report: one page, ``index.html``, that opens from disk and loads nothing from a network."""

from ssimloss.evaluation.report._page import write_report

__all__ = ["write_report"]
