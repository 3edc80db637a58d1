"""Pictures on matplotlib's Agg canvas without pyplot, so that no display is needed and no global
state is touched.
"""

import io
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from runs import files


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG, whole or not at all."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    files.write(path, lambda file: file.write(buffer.getvalue()))
