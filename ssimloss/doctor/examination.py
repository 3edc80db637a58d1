"""The checks, and the examination that runs them."""

import copy
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss.doctor import behavior, cost, numerics, processes, training
from ssimloss.doctor.records import (
    UNCALLABLE,
    Examination,
    Finding,
    Severity,
    Verdict,
    failed,
    not_applicable,
)
from ssimloss.doctor.signature import Loss
from ssimloss.doctor.subject import SIDES, LossRaised, Subject, subject_of


class Check(NamedTuple):
    """One check: its name, its question, the severity of a failure, and its function."""

    name: str
    question: str
    severity: Severity
    run: Callable[[Subject], Verdict]


CHECKS = (
    Check("returns", "Does a call return a scalar?", "error", behavior.returns),
    Check("improves", "Does minimising it improve the image?", "error", training.improves),
    Check("minimum", "Is the target the best image?", "error", training.minimum),
    Check("gradient", "Does a gradient reach pred everywhere?", "error", training.gradient),
    Check("target", "Does the target get no gradient?", "error", training.target_is_left_alone),
    Check("finite", "Is it finite at edge inputs?", "error", numerics.finite),
    Check("gradcheck", "Is the gradient the derivative?", "warning", numerics.derivative),
    Check("precision", "Is it right in each dtype and autocast?", "error", numerics.precision),
    Check("batch", "Is a batch the mean of its images?", "warning", behavior.batch),
    Check("in_place", "Are the inputs left unchanged?", "error", behavior.leaves_inputs),
    Check("repeatable", "Do two calls agree?", "warning", behavior.repeatable),
    Check("releases", "Is the memory of a step released?", "warning", training.releases),
    Check("synchronizations", "Does it wait for the GPU?", "warning", cost.synchronizations),
    Check("graph_breaks", "Does torch.compile see one graph?", "warning", cost.graph_breaks),
    Check("processes", "Do two DDP processes train like one?", "error", processes.ranks),
    Check("channels", "Is it the mean over channels?", "information", behavior.channels),
    Check("symmetric", "Is it symmetric in pred and target?", "information", behavior.symmetric),
    Check("parameters", "Has it no trainable parameters?", "information", training.parameters),
    Check("accepts", "Does it refuse unusual inputs?", "information", behavior.accepts),
    Check("cost", "Is it as fast as its eager form?", "information", cost.cost),
)
NAMES = tuple(check.name for check in CHECKS)


def examine(
    loss: Loss,
    *,
    inputs: Sequence[str] | None = None,
    data_range: float | tuple[float, float] | None = None,
    image: Tensor | None = None,
    eager: Loss | None = None,
    checks: Sequence[str] | None = None,
    skip: Sequence[str] = (),
) -> Examination:
    """Examine a loss on the CPU: whether it trains what it should, and what it costs.

    Args:
        loss: a module or function of ``(pred, target)`` or ``(pred)``. These are images
            ``(N, C, H, W)``; or features of images, according to the annotation or a name such as
            ``pred_features``; or logits ``(N, 1, H, W)`` named ``fake_logits`` and
            ``real_logits``. If the loss can be copied, a copy is examined.
        inputs: the inputs of the loss, if its signature does not tell: ``"pred"``, ``"target"``,
            ``"fake_logits"``, ``"real_logits"`` or ``"is_real"`` (True) for each positional
            argument, ``"name=target"`` for a keyword argument.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``; by default the attribute
            ``data_range`` of the loss, or 1.
        image: photographs ``(N, 1 or 3, H, W)`` in [0, 1] of at least 96 x 96 pixels. By default, a
            picture drawn by formula is used.
        eager: the same definition in eager form, to compare time and memory; by default
            ``backend="eager"`` of losses of this package.
        checks: names of the checks to run, all by default; see ``ssimloss.doctor.CHECKS``.
        skip: names of checks to leave out.

    Returns:
        The findings. ``print()`` shows a table, ``.to_json()`` returns JSON, ``.exit_code`` is 0, 1
        (an error) or 3 (warnings only).

    Raises:
        TypeError: ``loss`` cannot be called, or its inputs are not known.
        ValueError: names of checks or inputs are unknown, or the range or the image is unusable.

    An error raised by the loss is a finding and is not raised.
    """
    return examine_subject(
        subject_of(_copied(loss), inputs=inputs, data_range=data_range, image=image, eager=eager),
        checks=checks,
        skip=skip,
    )


def examine_subject(
    subject: Subject, *, checks: Sequence[str] | None = None, skip: Sequence[str] = ()
) -> Examination:
    """Run the checks on a subject."""
    for name, given in (("checks", checks or ()), ("skip", skip)):
        for each in [given] if isinstance(given, str) else given:
            _checks.choice(name, each, NAMES)
    wanted = [c for c in CHECKS if (checks is None or c.name in checks) and c.name not in skip]
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.random.fork_rng(devices=[]),
    ):
        try:
            fitted = _fitted(subject)
        except LossRaised as error:
            return _uncallable(subject, wanted, error)
        findings = tuple(_finding(check, fitted) for check in wanted)
        shape = tuple(fitted.target().shape)
    return Examination(subject.name, subject.called, shape, findings)


def _finding(check: Check, subject: Subject) -> Finding:
    began = time.perf_counter()
    try:
        verdict = check.run(subject)
    except LossRaised as error:
        verdict = failed(f"raises {error}")
    severity = verdict.severity or check.severity
    return Finding(
        check.name,
        check.question,
        verdict.outcome,
        severity,
        verdict.message,
        verdict.numbers,
        time.perf_counter() - began,
    )


def _fitted(subject: Subject) -> Subject:
    """The subject with the smallest images that the loss accepts.

    Raises:
        LossRaised: it accepts none; the error is that for the largest images.
    """
    if not subject.of_images:
        subject(subject.start(), subject.target())
        return subject
    largest = (10**9, 10**9) if subject.image is None else subject.image.shape[-2:]
    last: LossRaised | None = None
    for sides in SIDES:
        if sides[0] > largest[0] or sides[1] > largest[1]:
            break
        for channels in (3, 1):
            candidate = dataclasses.replace(subject, sides=sides, channels=channels)
            try:
                candidate(candidate.start(), candidate.target())
            except LossRaised as error:
                last = error if channels == 3 else last
                continue
            return candidate
    if last is None:
        raise ValueError(f"image must be at least {SIDES[0][0]} x {SIDES[0][1]}, got {largest}")
    raise last


def _uncallable(subject: Subject, wanted: Sequence[Check], error: LossRaised) -> Examination:
    findings = []
    for check in wanted:
        verdict = not_applicable(UNCALLABLE)
        if check.name == "returns":
            verdict = failed(f"{subject.called} raises {error}")
        findings.append(_finding(check._replace(run=_constant(verdict)), subject))
    if not any(f.check == "returns" for f in findings):
        verdict = failed(f"{subject.called} raises {error}")
        findings.insert(0, _finding(CHECKS[0]._replace(run=_constant(verdict)), subject))
    return Examination(subject.name, subject.called, (), tuple(findings))


def _constant(verdict: Verdict) -> Callable[[Subject], Verdict]:
    return lambda _subject: verdict


def _copied(loss: Loss) -> Loss:
    """A copy, so that the state of the original does not change; the loss itself if uncopyable."""
    try:
        return copy.deepcopy(loss)
    except (TypeError, RuntimeError, AttributeError, copy.Error):
        return loss


def examine_named(
    spec: str,
    options: Mapping[str, Any] | None = None,
    *,
    inputs: Sequence[str] | None = None,
    data_range: float | tuple[float, float] | None = None,
    image: Tensor | None = None,
    checks: Sequence[str] | None = None,
    skip: Sequence[str] = (),
) -> Examination:
    """Examine a loss by name: ``"module:callable"``, or an entry of a framework's registry.

    Args:
        spec, options: as in :func:`ssimloss.doctor.load`.
        inputs, data_range, image, checks, skip: as in :func:`examine`.

    Raises:
        ValueError, TypeError, RuntimeError: as :func:`ssimloss.doctor.load` and :func:`examine`.
    """
    from ssimloss.doctor.loading import load

    subject = subject_of(
        load(spec, options),
        inputs=inputs,
        data_range=data_range,
        image=image,
        spec=spec,
        options=options,
    )
    return examine_subject(subject, checks=checks, skip=skip)
