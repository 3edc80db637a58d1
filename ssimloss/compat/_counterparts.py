"""The losses of training frameworks that exist here, with the option names of the frameworks.

Each framework has a file; a loss that is added to this library gets its line there.
"""

from ssimloss.compat._basicsr_losses import BASICSR_LOSSES
from ssimloss.compat._counterpart import Counterpart
from ssimloss.compat._neosr_losses import NEOSR_ABSENT, NEOSR_LOSSES
from ssimloss.compat._redux_losses import REDUX_ABSENT, REDUX_LOSSES

BASICSR, NEOSR, REDUX = "BasicSR", "neosr", "traiNNer-redux"

# framework -> type -> counterpart
COUNTERPARTS: dict[str, dict[str, Counterpart]] = {
    BASICSR: BASICSR_LOSSES,
    NEOSR: NEOSR_LOSSES,
    REDUX: REDUX_LOSSES,
}
# framework -> type -> why there is no counterpart
ABSENT: dict[str, dict[str, str]] = {BASICSR: {}, NEOSR: NEOSR_ABSENT, REDUX: REDUX_ABSENT}
