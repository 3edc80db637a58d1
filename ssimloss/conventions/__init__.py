"""Conventions of other implementations as named sets of options: the value is the one you meant.

Each table maps a name to a :class:`Convention`, which is a mapping of options and can be called::

    F.ssim(pred, target, data_range=1.0, **conventions.SSIM["skimage"])
    conventions.PSNR["basicsr"](pred, target, data_range=1.0, crop_border=4)
    print(conventions.describe("PSNR/basicsr"))
    print(conventions.explain_difference("PSNR/pyiqa_y", "PSNR/basicsr", pred, target))

Losses over deep features own a network, and an adversarial loss is two functions. Their conventions
are options of the module::

    ssimloss.PerceptualLoss(**conventions.CONTENT["esrgan"])
    ssimloss.TextureLoss(**conventions.GRAM["basicsr"])
    ssimloss.AdversarialLoss(**conventions.ADVERSARIAL["esrgan"])

Each is compared with the original code it names in ``tests/test_parity.py``,
``tests/test_perceptual.py``, ``tests/test_adversarial.py``. No convention guesses the data range.

This room holds how conventions are described, prepared and compared. The tables stand with their
measures in ``ssimloss.functional``: a :class:`Table` that is created is an attribute here.
"""

from typing import TYPE_CHECKING, Any

from ssimloss.conventions import convention
from ssimloss.conventions.attributes import Attribute
from ssimloss.conventions.convention import Convention, FeatureConvention, Table
from ssimloss.conventions.difference import Difference, Step, explain_difference
from ssimloss.conventions.lookup import describe, find
from ssimloss.conventions.preparation import Preparation
from ssimloss.measure import complete

if TYPE_CHECKING:
    from ssimloss.conventions.convention import TABLES as TABLES

_NAMES = (
    "TABLES",
    "Table",
    "Convention",
    "FeatureConvention",
    "Attribute",
    "Preparation",
    "find",
    "describe",
    "explain_difference",
    "Difference",
    "Step",
)


def __getattr__(name: str) -> Any:
    """The tables, which measures register when they are imported."""
    # Modules of this package, in lower case, are looked up while the tables are being registered.
    if name == "__all__" or name.isupper():
        complete()
    found = convention.tables()
    if name == "__all__":
        return [*found, *_NAMES]
    if name == "TABLES":
        return convention.TABLES
    if name in found:
        return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The names of the module and the tables."""
    complete()
    return [*globals(), "TABLES", *convention.tables()]
