"""Which measure to trust and to train with: agreement with people, orderings, fitness as a loss,
and cost.
"""

from ssimloss.study.bootstrap import Interval as Interval
from ssimloss.study.choices import average_precision as average_precision
from ssimloss.study.choices import two_alternative_score as two_alternative_score
from ssimloss.study.correlations import (
    Agreement as Agreement,
)
from ssimloss.study.correlations import (
    compare as compare,
)
from ssimloss.study.correlations import (
    correlation as correlation,
)
from ssimloss.study.correlations import (
    opinion_agreement as opinion_agreement,
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
    "average_precision",
    "compare",
    "correlation",
    "fit_logistic",
    "opinion_agreement",
    "read_judgements",
    "two_alternative_score",
]
