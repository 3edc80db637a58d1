"""Which measure to trust and to train with: agreement with people, orderings, fitness as a loss,
and cost.
"""

from ssimloss.study.correlations import (
    Agreement as Agreement,
)
from ssimloss.study.correlations import (
    Interval as Interval,
)
from ssimloss.study.correlations import (
    agreement as agreement,
)
from ssimloss.study.correlations import (
    average_precision as average_precision,
)
from ssimloss.study.correlations import (
    compare as compare,
)
from ssimloss.study.correlations import (
    two_alternative_score as two_alternative_score,
)
from ssimloss.study.layouts import read_judgements as read_judgements
from ssimloss.study.logistic import fit_logistic as fit_logistic
from ssimloss.study.result import StudyResult as StudyResult
from ssimloss.study.run import Study as Study

__all__ = [
    "Agreement",
    "Interval",
    "Study",
    "StudyResult",
    "agreement",
    "average_precision",
    "compare",
    "fit_logistic",
    "read_judgements",
    "two_alternative_score",
]
