"""Content and texture losses as papers and programs have them: which layers, before or after the
activation, which distance.

They are options of ``PerceptualLoss`` and ``TextureLoss``, which own a network; a
:class:`Convention` of two images has none. The factor on the whole loss, the images' range and the
network's weights are left to the caller.
"""

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ssimloss.conventions import _programs as p

PYTORCH_TUTORIAL = "PyTorch's tutorial on neural style transfer"
FORMULA = "float64 rounding, of its formula with the same random network"
PIX2PIXHD = {
    "relu1_1": 1 / 32,
    "relu2_1": 1 / 16,
    "relu3_1": 1 / 8,
    "relu4_1": 1 / 4,
    "relu5_1": 1.0,
}
GATYS = dict.fromkeys(("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), 0.2)
STYLE_TUTORIAL = dict.fromkeys(("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"), 1.0)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FeatureConvention(Mapping[str, Any]):
    """Options of a module, as a paper or program has them:
    ``PerceptualLoss(**conventions.CONTENT["esrgan"])``.
    """

    table: str
    name: str
    title: str
    program: str
    exact: str  # how closely it is met, in words
    options: Mapping[str, Any]
    same_as: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the options."""
        frozen = {
            name: MappingProxyType(dict(value)) if isinstance(value, Mapping) else value
            for name, value in self.options.items()
        }
        object.__setattr__(self, "options", MappingProxyType(frozen))

    @property
    def full_name(self) -> str:
        """The name by which it is cited, such as ``CONTENT/esrgan``."""
        return f"{self.table}/{self.name}"

    def __getitem__(self, key: str) -> Any:
        value = self.options[key]
        return (
            dict(value) if isinstance(value, Mapping) else value
        )  # the layers are the caller's to change

    def __iter__(self) -> Iterator[str]:
        return iter(self.options)

    def __len__(self) -> int:
        return len(self.options)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<convention {self.full_name}>"

    def __str__(self) -> str:
        loss = {
            "CONTENT": "PerceptualLoss",
            "GRAM": "TextureLoss",
            "ADVERSARIAL": "AdversarialLoss",
        }[self.table]
        lines = [
            f"{self.full_name}: {self.title}",
            *_entry("program", self.program),
            *_entry("matched", f"to {self.exact}"),
        ]
        if self.same_as:
            lines += _entry("same as", f"{self.table}/{self.same_as}")
        for name, value in self.items():
            lines += _entry(
                "options" if name == next(iter(self.options)) else "", f"{name}={value!r}"
            )
        lines += _entry("use", f'ssimloss.{loss}(**conventions.{self.table}["{self.name}"])')
        for note in self.notes:
            lines += _entry("note", note)
        return "\n".join(lines)

    def __reduce__(self) -> str | tuple[Any, ...]:
        return _find, (self.table, self.name)


def _entry(label: str, text: str) -> list[str]:
    first = f"  {label:<10}"
    return textwrap.wrap(
        text, 110, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
    )


def _find(table: str, name: str) -> FeatureConvention:
    from ssimloss.conventions._describe import MODULE_TABLES

    return MODULE_TABLES[table][name]


class Table(dict[str, FeatureConvention]):
    """Conventions of one loss by name; an unknown name is answered with those there are."""

    def __init__(self, *conventions: FeatureConvention) -> None:
        super().__init__((convention.name, convention) for convention in conventions)

    def __missing__(self, name: str) -> FeatureConvention:
        raise KeyError(f"no convention {name!r}; there are {', '.join(self)}")


def _content(
    name: str,
    title: str,
    program: str,
    layers: Mapping[str, float],
    exact: str = FORMULA,
    **rest: Any,
) -> FeatureConvention:
    options = {
        "network": "vgg19",
        "layers": dict(layers),
        "distance": "l1",
        **rest.pop("options", {}),
    }
    return FeatureConvention("CONTENT", name, title, program, exact, options, **rest)


CONTENT: dict[str, FeatureConvention] = Table(
    _content(
        "srgan",
        "the loss of SRGAN: squared distance after the last activation",
        "Ledig et al. 2017, VGG 5,4",
        {"relu5_4": 1.0},
        "its equation, averaged over channels too",
        options={"distance": "l2", "feature_scale": 1 / 12.75},
        notes=(
            "Features are divided by 12.75, which makes it 0.006 of what it is without; the "
            "adversarial loss weighs 1e-3 beside it.",
        ),
    ),
    _content(
        "esrgan",
        "the loss of ESRGAN: distance before the last activation",
        "Wang et al. 2018; BasicSR's options/train/ESRGAN",
        {"conv5_4": 1.0},
    ),
    _content(
        "real_esrgan",
        "the loss of Real-ESRGAN: five layers before the activation",
        "Wang et al. 2021; BasicSR's options of Real-ESRGAN",
        {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0},
    ),
    _content(
        "pix2pixhd",
        "the layers of pix2pixHD, images normalised as the network was trained",
        "Wang et al. 2018",
        PIX2PIXHD,
        notes=("The program itself does not normalise: pix2pixhd_program.",),
    ),
    _content(
        "pix2pixhd_program",
        "pix2pixHD as its program has it: images in [-1, 1] go into the network as they are",
        "VGGLoss of pix2pixHD 2c0c4a2",
        PIX2PIXHD,
        options={"normalization": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))},
        notes=(
            "Whatever data_range says, the network sees [-1, 1], where it was trained on about "
            "[-2.1, 2.6].",
        ),
    ),
    _content(
        "basicsr",
        "BasicSR's content loss with its usual layer",
        "PerceptualLoss(layer_weights={'conv5_4': 1}), BasicSR 1.4.2",
        {"conv5_4": 1.0},
        same_as="esrgan",
        notes=(
            "criterion='fro' is the norm over the whole batch, which grows with its size, and is "
            "not offered.",
        ),
    ),
    _content(
        "mmagic",
        "mmagic's content loss with its usual layer",
        "PerceptualLoss(layer_weights={'34': 1.0}), mmagic 1.2",
        {"conv5_4": 1.0},
        same_as="esrgan",
        notes=(
            "Its norm_img=True, the default, means images in [-1, 1]: pass data_range=(-1, 1).",
        ),
    ),
    _content(
        "piq",
        "piq's content loss as it comes: squared distances added over channels",
        f"piq.ContentLoss(), {p.PIQ}",
        {"relu3_3": 256.0},
        options={"network": "vgg16", "distance": "l2"},
        notes=(
            "piq adds over the layer's 256 channels where others average; that is the weight.",
            "Its conv layers return features after the activation, which is in place there; name "
            "the relu for the same number.",
        ),
    ),
)


def _gram(
    name: str,
    title: str,
    program: str,
    layers: Mapping[str, float],
    exact: str = FORMULA,
    **rest: Any,
) -> FeatureConvention:
    options = {
        "network": "vgg19",
        "layers": dict(layers),
        "gram": "chw",
        "distance": "l1",
        **rest.pop("options", {}),
    }
    return FeatureConvention("GRAM", name, title, program, exact, options, **rest)


GRAM: dict[str, FeatureConvention] = Table(
    _gram(
        "johnson",
        "perceptual losses for style transfer: Gram matrices over C H W, squared Frobenius "
        "distance",
        "Johnson, Alahi & Fei-Fei 2016, eq. 3-4",
        dict.fromkeys(("relu1_2", "relu2_2", "relu3_3", "relu4_3"), 1.0),
        "its equation",
        options={"network": "vgg16", "distance": "squared_frobenius"},
    ),
    _gram(
        "gatys",
        "image style transfer: 1 / (4 C^2 (HW)^2) of the summed squares, a fifth for each layer",
        "Gatys, Ecker & Bethge 2016, eq. 3-5",
        GATYS,
        "its equation",
        options={"gram": "gatys", "distance": "squared_frobenius", "pooling": "average"},
        notes=(
            "The paper's network was rescaled so that each unit's mean activation is 1; "
            "torchvision's weights are not.",
        ),
    ),
    _gram(
        "basicsr",
        "BasicSR's style loss with its usual layer",
        "PerceptualLoss(layer_weights={'conv5_4': 1}, style_weight=1), BasicSR 1.4.2",
        {"conv5_4": 1.0},
    ),
    _gram(
        "mmagic",
        "mmagic's style loss with its usual layer",
        "PerceptualLoss(layer_weights={'34': 1.0}), mmagic 1.2",
        {"conv5_4": 1.0},
        same_as="basicsr",
        notes=(
            "Its norm_img=True, the default, means images in [-1, 1]: pass data_range=(-1, 1).",
        ),
    ),
    _gram(
        "piq",
        "piq's style loss as it comes: Gram matrices divided by nothing, mean square",
        f"piq.StyleLoss(), {p.PIQ}",
        {"relu3_3": 1.0},
        options={"network": "vgg16", "gram": "none", "distance": "l2"},
    ),
    _gram(
        "pytorch_tutorial",
        "one Gram matrix for the whole batch over N C H W, mean square",
        PYTORCH_TUTORIAL,
        STYLE_TUTORIAL,
        options={"gram": "bchw", "distance": "l2"},
        notes=("Made for one image: of a batch, channels of different images are multiplied too.",),
    ),
)
