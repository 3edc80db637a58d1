"""Importing this module adds the losses of this library to the registry of neosr.

See ``docs/drop_ins.md``.
"""

from ssimloss.compat._registry import register

register("neosr", "neosr", "install it from its repository")
