"""Importing this module adds the losses of this library to the registry of BasicSR.

See ``docs/drop_ins.md``.
"""

from ssimloss.compat._registry import register

register("basicsr", "BasicSR", "pip install basicsr")
