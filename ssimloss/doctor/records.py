"""The findings of an examination: one record per check, printable and as JSON."""

import json
import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Outcome = Literal["pass", "fail", "not applicable"]
Severity = Literal["error", "warning", "information"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
SEVERITIES: tuple[str, ...] = get_args(Severity)
# The exit status of the command by the worst failure. 2 is a wrong usage of the command.
EXIT_CODES: dict[Severity | None, int] = {None: 0, "information": 0, "error": 1, "warning": 3}

_WIDTH = 100


@dataclass(frozen=True)
class Verdict:
    """The conclusion of one check.

    Args:
        outcome: ``"pass"``, ``"fail"`` or ``"not applicable"``.
        message: the finding, or why the check does not apply.
        numbers: the measured values by name.
        severity: the severity of a failure, if it is not that of the check.
    """

    outcome: Outcome
    message: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity | None = None


def passed(message: str, /, **numbers: Any) -> Verdict:
    """The check passes."""
    return Verdict("pass", message, numbers)


def failed(message: str, /, **numbers: Any) -> Verdict:
    """The check fails, with the severity of the check."""
    return Verdict("fail", message, numbers)


def failed_as(severity: Severity, message: str, /, **numbers: Any) -> Verdict:
    """The check fails with a severity of its own."""
    return Verdict("fail", message, numbers, severity)


def not_applicable(reason: str, /, **numbers: Any) -> Verdict:
    """The check does not apply to this loss."""
    return Verdict("not applicable", reason, numbers)


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: name of the check.
        question: the question of the check.
        outcome: ``"pass"``, ``"fail"`` or ``"not applicable"``.
        severity: ``"error"``, ``"warning"`` or ``"information"``: how serious a failure is.
        message: the finding, or the reason if the check does not apply.
        numbers: the measured values by name.
        seconds: how long the check took.
    """

    check: str
    question: str
    outcome: Outcome
    severity: Severity
    message: str
    numbers: Mapping[str, Any]
    seconds: float

    @property
    def shown(self) -> str:
        """One word for a table: ``pass``, ``FAIL``, ``warn``, ``note`` or ``n/a``."""
        if self.outcome == "fail":
            return {"error": "FAIL", "warning": "warn", "information": "note"}[self.severity]
        return "pass" if self.outcome == "pass" else "n/a"


UNCALLABLE = "the loss cannot be called"


def counted(number: int, noun: str) -> str:
    """A number of things, with the plural of regular nouns."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class Examination:
    """All findings about one loss.

    Attributes:
        loss: the ``repr`` of the loss or its name.
        called: how the doctor calls it, for example ``loss(pred, target)``.
        shape: ``(N, C, H, W)`` of the images, or ``(N, 1, H, W)`` of the logits.
        findings: one per check, in the order of the checks.
    """

    loss: str
    called: str
    shape: tuple[int, ...]
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Failed checks, the most severe first."""
        found = [f for f in self.findings if f.outcome == "fail"]
        return tuple(sorted(found, key=lambda f: SEVERITIES.index(f.severity)))

    @property
    def worst(self) -> Severity | None:
        """Severity of the worst failure, None without a failure."""
        return self.failures[0].severity if self.failures else None

    @property
    def exit_code(self) -> int:
        """0: no failure beyond information. 1: an error. 3: warnings only."""
        return EXIT_CODES[self.worst]

    def __getitem__(self, check: str) -> Finding:
        """Return the finding of a check by name."""
        for finding in self.findings:
            if finding.check == check:
                return finding
        raise KeyError(check)

    @property
    def listed(self) -> tuple[Finding, ...]:
        """The findings of a table: without the checks that need a call, if no call succeeds."""
        return tuple(f for f in self.findings if f.message != UNCALLABLE)

    @property
    def summary(self) -> str:
        """One sentence: how many checks passed, failed and did not apply."""
        count = {
            word: sum(f.shown == word for f in self.findings)
            for word in ("pass", "FAIL", "warn", "note", "n/a")
        }
        does = "does" if count["n/a"] == 1 else "do"
        return (
            f"{count['pass']} passed, {counted(count['FAIL'], 'error')}, "
            f"{counted(count['warn'], 'warning')}, {counted(count['note'], 'note')}, "
            f"{count['n/a']} {does} not apply"
        )

    def as_dict(self) -> dict[str, Any]:
        """The content of :meth:`to_json`."""
        return {
            "loss": self.loss,
            "called": self.called,
            "shape": list(self.shape),
            "worst": self.worst,
            "exit_code": self.exit_code,
            "findings": [
                {
                    "check": f.check,
                    "question": f.question,
                    "outcome": f.outcome,
                    "severity": f.severity,
                    "message": f.message,
                    "numbers": {name: _plain(value) for name, value in f.numbers.items()},
                    "seconds": round(f.seconds, 3),
                }
                for f in self.findings
            ],
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the examination as JSON. Numbers that are not finite are strings such as "nan"."""
        return json.dumps(self.as_dict(), indent=indent, allow_nan=False)

    def __str__(self) -> str:
        """A table as plain text."""
        width = max(len(f.check) for f in self.findings) if self.findings else 0
        lines = [f"{self.loss}, called as {self.called} with {list(self.shape)}"]
        for f in self.listed:
            head = f"{f.check:<{width}}  {f.shown:<4}  "
            lines += textwrap.wrap(
                f.message, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head)
            )
        return "\n".join([*lines, self.summary])


def _plain(value: Any) -> Any:
    """A value that JSON can hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
