"""Options that several measures share."""

from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced, derived
from ssimloss.filters import Padding, WindowName, check_window_options, window_length


class Windowed(Reduced, Ranged):
    """Local statistics under a sliding window.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
    """

    window: WindowName | Tensor = "gaussian"
    window_size: int = 11
    sigma: float = 1.5
    padding: Padding = "valid"
    taps: int = derived()

    def __post_init__(self) -> None:
        """Check the window; keep its length."""
        super().__post_init__()
        check_window_options(
            window=self.window, window_size=self.window_size, sigma=self.sigma, padding=self.padding
        )
        self.derive(taps=window_length(self.window, self.window_size))


class Stabilised(Ranged):
    """Constants that keep the terms of SSIM finite.

    Args:
        k1, k2: the stabilising constants, both above 0.
    """

    k1: float = 0.01
    k2: float = 0.03
    c1: float = derived()
    c2: float = derived()

    def __post_init__(self) -> None:
        """Check the constants; keep those of luminance and of contrast and structure."""
        super().__post_init__()
        _checks.positive("k1", self.k1)
        _checks.positive("k2", self.k2)
        self.derive(c1=float((self.k1 * self.span) ** 2), c2=float((self.k2 * self.span) ** 2))
