"""The report: one page that opens from disk, ``index.html``, with everything in it and nothing
asked of a network.
"""

from ssimloss.evaluation.report._page import write_report

__all__ = ["write_report"]
