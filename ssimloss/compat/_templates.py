"""The losses of a configuration of BasicSR, neosr or traiNNer-redux as one :class:`CombinedLoss`.

Their counterparts here are in ``_counterparts``.
"""

import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ssimloss import _checks, losses
from ssimloss.combined import CombinedLoss, Term
from ssimloss.compat._basicsr_losses import CONTENT, STYLE
from ssimloss.compat._counterpart import Counterpart
from ssimloss.compat._counterparts import ABSENT, BASICSR, COUNTERPARTS, NEOSR, REDUX
from ssimloss.compat._neosr_losses import GUIDED

_SECTION = "_opt"  # suffix of the loss sections of BasicSR and neosr
_GAN = "gan" + _SECTION
_ONLY_BASICSR = COUNTERPARTS[BASICSR].keys() - COUNTERPARTS[NEOSR].keys()
_BESIDE = ("type", "loss_weight")  # keys of a section that are not options of its loss


@dataclass(frozen=True)
class _Section:
    """A loss of a template: the name of its term, its type, its options and its first and last
    steps.
    """

    name: str
    kind: str
    options: Mapping[str, Any]
    timing: Mapping[str, Any] = field(default_factory=dict)


def combined_from_template(
    template: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    nearest: bool = False,
    skip: Collection[str] = (),
) -> CombinedLoss:
    """Build one :class:`CombinedLoss` of the losses in a configuration of BasicSR, neosr or
    traiNNer-redux.

    Terms have the weights of the template; terms of weight 0 are left out. The adversarial term
    takes the generator's logits: ``criterion(pred, target, fake_logits=...)``. traiNNer-redux'
    ``LDLLoss`` takes the output of the moving-average network: ``pred_ema=...``; neosr's has none.
    BasicSR's ``PerceptualLoss`` with a ``style_weight`` makes a second term, whose name ends in
    ``_style``: ``perceptual_style`` for ``perceptual_opt``. Other parts of the template, such as
    optimizers, are ignored.

    With neosr's ``wavelet_guided``, the adversarial term ``gan`` ends before iteration
    ``wavelet_init``. A term ``wavelet_guided`` replaces it, with the logits of the bands:
    ``guided_logits=discriminator(functional.wavelet_guidance(pred))``.

    Args:
        template: the configuration as ``tomllib`` or ``yaml.safe_load`` reads it, its ``train``
            section, or traiNNer-redux' list of ``losses``. BasicSR and neosr have sections that end
            in ``_opt``, traiNNer-redux has a list.
        nearest: use the nearest loss of this library if the framework's formula differs. By
            default, such a loss raises an error that names the difference.
        skip: types to leave out, such as ``"consistency_loss"``.

    Raises:
        ValueError: losses do not exist in this library, or differ; the error names all of them. Or
            there is no loss, two have the same name, or an option or its value has no counterpart.
            Or ``skip`` names something that is no type of the framework.
        TypeError: ``template`` is not a mapping or list, or a weight is not a number.
    """
    if isinstance(skip, str):
        raise TypeError(f"skip must be a collection of types, got {skip!r}; write ({skip!r},)")
    framework, sections = _read(template, skip)
    table = COUNTERPARTS[framework]
    folded = {_fold(framework, kind): kind for kind in table}
    absent = {_fold(framework, kind): why for kind, why in ABSENT[framework].items()}
    left_out = {_fold(framework, kind) for kind in skip}
    kinds = dict.fromkeys(section.kind for section in sections)
    known = {*folded, *absent, _fold(framework, GUIDED), *(_fold(framework, k) for k in kinds)}
    if unknown := [kind for kind in skip if _fold(framework, kind) not in known]:
        raise ValueError(
            f"skip must name types of losses of {_said(framework, kinds)}, got "
            f"{', '.join(map(repr, unknown))}; the template has {', '.join(map(repr, kinds))}"
        )
    problems: list[str] = []
    terms: dict[str, Any] = {}
    for section in sections:
        kind = _fold(framework, section.kind)
        if kind in left_out or section.options.get("loss_weight") == 0:
            continue
        found = table[folded[kind]] if kind in folded else None
        if found is None:
            problems.append(_unknown(section.kind, framework, absent.get(kind)))
        elif found.is_off(section.options):
            continue
        elif not nearest and (told := found.difference(section.options)):
            problems.append(f"{section.kind} differs: {told}")
        elif section.name in terms:
            raise ValueError(
                f"template must have one loss named {section.name!r}, got two; rename a section"
            )
        else:
            terms[section.name] = _term(section, found)
    if problems:
        differing = any(" differs: " in problem for problem in problems)
        missing = not all(" differs: " in problem for problem in problems)
        ways = ["leave losses out with skip=(...)"] * missing
        ways += ["accept the differences with nearest=True"] * differing
        raise ValueError(
            f"template must hold {_said(framework, kinds)} losses that this library computes, got: "
            f"{'; '.join(problems)}; {' and '.join(ways)}"
        )
    if not terms:
        raise ValueError(
            "template must hold at least one loss with a weight other than 0, got none"
        )
    return CombinedLoss(**terms)


def _said(framework: str, kinds: Iterable[str]) -> str:
    """The framework in an error. BasicSR and neosr have sections of one form: without a type that
    only one of them has, it may be either.
    """
    only_neosr = (COUNTERPARTS[NEOSR].keys() | ABSENT[NEOSR].keys()) - COUNTERPARTS[BASICSR].keys()
    if framework != NEOSR or not only_neosr.isdisjoint({*kinds}):
        return framework
    return f"{BASICSR} or {NEOSR}"


def _unknown(kind: str, framework: str, why: str | None) -> str:
    """Why a type has no counterpart; for a class of this library, its type in the framework."""
    if why is not None or kind not in losses.__all__:
        return f"{kind} does not exist in this library" + (f": {why}" if why else "")
    ours = getattr(losses, kind)
    theirs = [name for name, one in COUNTERPARTS[framework].items() if one.build is ours]
    meant = f"did you mean type: {theirs[0]}?" if theirs else "add Term(...) of it to the terms"
    return f"{kind} is a class of this library, not a type of the framework; {meant}"


def _read(template: Any, skip: Collection[str]) -> tuple[str, list[_Section]]:
    """The framework, and the losses in order; without the wavelet guidance if ``skip`` names it."""
    if isinstance(template, Mapping):
        train = template.get("train", template)
        if isinstance(train, Mapping):
            found = _sections(train)
            _checks.flag(GUIDED, train.get(GUIDED, False))
            guided = train.get(GUIDED, False) and GUIDED not in skip
            if isinstance(train.get("losses"), Sequence):
                _refuse_guidance(REDUX, guided)
                return REDUX, list(_of_redux(train["losses"]))
            if any(options["type"] in _ONLY_BASICSR for options in found.values()):
                _refuse_guidance(BASICSR, guided)
                return BASICSR, list(_of_basicsr(found, skip))
            return NEOSR, list(_of_neosr(train, found, skip, guided))
    elif isinstance(template, Sequence) and not isinstance(template, str):
        return REDUX, list(_of_redux(template))
    raise TypeError(
        "template must be a configuration as a mapping, or a list of losses, got "
        f"{type(template).__name__}; read a file with tomllib.load or yaml.safe_load first"
    )


def _sections(train: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The losses of BasicSR or neosr by the names of their sections."""
    return {
        name: options
        for name, options in train.items()
        if name.endswith(_SECTION) and isinstance(options, Mapping) and "type" in options
    }


def _refuse_guidance(framework: str, guided: bool) -> None:
    if guided:
        raise ValueError(
            f"{GUIDED} must be off with losses of {framework}, which has no such option; remove "
            f"it, or leave it out with skip=({GUIDED!r},)"
        )


def _of_basicsr(
    found: Mapping[str, Mapping[str, Any]], skip: Collection[str]
) -> Iterator[_Section]:
    """A perceptual loss with a style weight is two."""
    for section, options in found.items():
        name, kind = section.removesuffix(_SECTION), options["type"]
        if kind != "PerceptualLoss":
            yield _Section(name, kind, options)
            continue
        if "loss_weight" in options and kind not in skip:
            raise ValueError(
                f"{name} ({kind}) must be weighted by {CONTENT} and {STYLE}, as in BasicSR, got "
                f"loss_weight; remove it, or leave the loss out with skip=({kind!r},)"
            )
        content = {key: value for key, value in options.items() if key != STYLE}
        yield _Section(name, kind, content)
        if options.get(STYLE) and kind not in skip:
            style = {key: value for key, value in options.items() if key != CONTENT}
            yield _Section(f"{name}_style", STYLE, style)


def _of_neosr(
    train: Mapping[str, Any],
    found: Mapping[str, Mapping[str, Any]],
    skip: Collection[str],
    guided: bool,
) -> Iterator[_Section]:
    if guided and _GAN not in found:
        raise ValueError(f"{GUIDED} must be off without {_GAN}, whose discriminator it guides")
    # The guidance is a part of the adversarial loss: without the loss there is nothing to guide.
    guided = guided and found[_GAN]["type"] not in skip
    first = _first_guided(train) if guided else 0
    for name, options in found.items():
        is_guided = guided and name == _GAN
        if not is_guided or first:
            timing = {"end": first} if is_guided else {}
            yield _Section(name.removesuffix(_SECTION), options["type"], options, timing)
        if is_guided:
            yield _Section(GUIDED, GUIDED, options, {"start": first})


def _first_guided(train: Mapping[str, Any]) -> int:
    """The step, counted from 0, whose discriminator sees bands; neosr counts from 1."""
    return max(_checks.count("wavelet_init", train.get("wavelet_init", 0), least=0) - 1, 0)


def _of_redux(sections: Sequence[Any]) -> Iterator[_Section]:
    seen: dict[str, int] = {}
    for place, options in enumerate(sections):
        if not isinstance(options, Mapping) or "type" not in options:
            raise ValueError(f"losses[{place}] must be a mapping with a type, got {options!r}")
        kind = options["type"]
        name = kind.lower().removesuffix("loss") or kind
        seen[name] = seen.get(name, 0) + 1
        yield _Section(name if seen[name] == 1 else f"{name}_{seen[name]}", kind, options)


def _fold(framework: str, kind: str) -> str:
    """A type in the form that its registry compares: traiNNer-redux ignores case."""
    return kind.lower() if framework == REDUX else kind


def _term(section: _Section, found: Counterpart) -> Term:
    weight = section.options.get("loss_weight", found.weight)
    if weight is None:
        raise ValueError(f"{section.name}.loss_weight must be given for {section.kind}")
    _checks.number(f"{section.name}.loss_weight", weight)
    options = {name: value for name, value in section.options.items() if name not in _BESIDE}
    factor = found.factor
    if found.factor_option and found.factor_option in options:
        factor = _checks.non_negative(
            f"{section.name}.{found.factor_option}", options.pop(found.factor_option)
        )
    weight *= factor
    known = inspect.signature(found.build).parameters
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ValueError(
            f"{section.name} ({section.kind}) must have options with a counterpart here, "
            f"{[*known, *filter(None, [found.factor_option])]}, got {unknown}; remove them, or "
            f"leave the loss out with skip=({section.kind!r},)"
        )
    try:
        loss = found.build(**options)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{section.name} ({section.kind}) must have values with a counterpart here, got "
            f"{options}: {error}; change the value, or leave the loss out with "
            f"skip=({section.kind!r},)"
        ) from error
    called = getattr(loss, found.method) if found.method else loss
    return Term(called, weight, inputs=found.inputs, **section.timing)
