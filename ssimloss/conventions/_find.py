"""A convention by its name."""

from ssimloss.conventions._convention import Convention
from ssimloss.conventions._ms_ssim import MS_SSIM, MS_SSIM_L1
from ssimloss.conventions._pixel import CHARBONNIER, PSNR, TOTAL_VARIATION
from ssimloss.conventions._ssim import DSSIM, SSIM

TABLES: dict[str, dict[str, Convention]] = {
    "SSIM": SSIM,
    "DSSIM": DSSIM,
    "MS_SSIM": MS_SSIM,
    "MS_SSIM_L1": MS_SSIM_L1,
    "PSNR": PSNR,
    "CHARBONNIER": CHARBONNIER,
    "TOTAL_VARIATION": TOTAL_VARIATION,
}


def find(name: str | Convention) -> Convention:
    """The convention of this name: ``"SSIM/basicsr"``, or ``"skimage_gaussian"`` where only one
    measure has it.

    Raises:
        KeyError: no such name, or several; the message lists what there is.
        TypeError: neither a name nor a convention.
    """
    if isinstance(name, Convention):
        return name
    if not isinstance(name, str):
        raise TypeError(
            "a convention is named by a string such as 'SSIM/basicsr', or given as it is, got "
            f"{type(name).__name__} {name!r}"
        )
    measure, slash, bare = name.rpartition("/")
    if slash:
        if measure not in TABLES:
            raise KeyError(f"no measure {measure!r} in {name!r}; there are {', '.join(TABLES)}")
        return TABLES[measure][bare]
    found = [table[name] for table in TABLES.values() if name in table]
    if len(found) == 1:
        return found[0]
    if not found:
        every = ", ".join(c.full_name for table in TABLES.values() for c in table.values())
        raise KeyError(f"no convention {name!r}; there are {every}")
    raise KeyError(
        f"several conventions are called {name!r}: {', '.join(c.full_name for c in found)}; name "
        "the one you mean"
    )
