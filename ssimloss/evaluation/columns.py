"""Names of the columns of CSV files: the table of pairs that is read, and the tables written."""

from typing import Final

REFERENCE: Final = "reference"
NAME: Final = "name"
METHOD: Final = "method"

# Of ``per_image.csv`` and ``per_clip.csv``, before one column for each metric.
PER_IMAGE: Final = (
    "index",
    NAME,
    METHOD,
    REFERENCE,
    "distorted",
    "height",
    "width",
    "reference_orientation",
    "distorted_orientation",
    "status",
    "error",
)
# Of ``per_frame.csv``, before one column for each metric and what a measure logs.
PER_FRAME: Final = (NAME, METHOD, "frame")


def mark(metric: str) -> str:
    """The column of a paper table that marks the best method, next to that of a metric."""
    return f"{metric} mark"
