"""What a convention computes, in words."""

import textwrap

from ssimloss.conventions._adversarial import ADVERSARIAL
from ssimloss.conventions._content import CONTENT, GRAM, FeatureConvention
from ssimloss.conventions._convention import Convention
from ssimloss.conventions._find import find
from ssimloss.conventions._measures import PREPARATION

_WIDTH = 110
_LABEL = 10
MODULE_TABLES = {"CONTENT": CONTENT, "GRAM": GRAM, "ADVERSARIAL": ADVERSARIAL}


def describe(name: str | Convention | FeatureConvention) -> str:
    """What is computed, step by step, by which program, and how closely it is met.

    Args:
        name: a convention, ``"SSIM/basicsr"``, or a bare name that only one measure of two images
            has.

    Raises:
        KeyError: no such name, or several; the message lists them.
    """
    if isinstance(name, str) and name.rpartition("/")[0] in MODULE_TABLES:
        table, _, bare = name.rpartition("/")
        name = MODULE_TABLES[table][bare]
    if isinstance(name, FeatureConvention):
        return str(name)
    convention = find(name)
    measure, state = convention.measure, convention.state
    steps = [
        sentence for attribute in measure.attributes if (sentence := attribute.sentence(state))
    ]
    if convention.preparation:
        steps.insert(0, "scale images in data_range to [0, 1]")
        steps.insert(
            1 + sum(bool(attribute.sentence(state)) for attribute in PREPARATION),
            "go on in float64",
        )
    unit = f" {measure.unit}" if measure.unit else ""
    lines = [f"{convention.full_name}: {measure.title}, {convention.title}"]
    lines += _entry("program", f"{convention.program} ({convention.version})")
    lines += _entry("matched", f"to {convention.tolerance:g}{unit} ({convention.exact})")
    if convention.same_as:
        lines += _entry("same as", f"{measure.key}/{convention.same_as}")
    for number, step in enumerate(steps, 1):
        lines += _entry("computes" if number == 1 else "", f"{number}. {step}", hanging=3)
    lines += _entry("use", _usage(convention))
    if convention.preparation.quantise or convention.preparation.round:
        lines += _entry(
            "gradient",
            "zero: rounding is constant almost everywhere; a convention that rounds is for "
            "evaluation, not for training",
        )
    if convention.gray:
        lines += _entry("gray", f"a gray image has no such luma: {measure.key}/{convention.gray}")
    for note in convention.notes:
        lines += _entry("note", note)
    return "\n".join(lines)


def _usage(convention: Convention) -> str:
    measure = convention.measure
    place = f'conventions.{measure.key}["{convention.name}"]'
    images = "pred, target" if measure.takes_target else "pred"
    data_range = ", data_range=1.0" if measure.takes_data_range else ""
    if convention.must_be_called:
        crop_border = ", crop_border=4" if convention.preparation.crop else ""
        return f"{place}({images}{data_range}{crop_border})"
    assert measure.public is not None
    return f"functional.{measure.public.__name__}({images}{data_range}, **{place})"


def _entry(label: str, text: str, hanging: int = 0) -> list[str]:
    first = f"  {label:<{_LABEL}}"
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * (len(first) + hanging),
        break_on_hyphens=False,
    )
