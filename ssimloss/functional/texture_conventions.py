"""Texture losses of papers and implementations: their layers, Gram matrix and distance.

They are options of ``TextureLoss``, which owns a network. The caller sets the weight of the loss,
the range of the images and the network's weights.
"""

from collections.abc import Mapping
from typing import Any

from ssimloss.conventions import programs as p
from ssimloss.conventions.convention import Convention, Table

GATYS = dict.fromkeys(("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), 0.2)
STYLE_TUTORIAL = dict.fromkeys(("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"), 1.0)


def _gram(
    name: str,
    title: str,
    program: str,
    layers: Mapping[str, float],
    exact: str = p.SAME_NETWORK,
    **rest: Any,
) -> Convention:
    options = {
        "network": "vgg19",
        "layers": dict(layers),
        "gram": "chw",
        "distance": "l1",
        **rest.pop("options", {}),
    }
    return Convention(name, title, program, exact=exact, options=options, **rest)


CONVENTIONS = Table(
    "GRAM",
    "TextureLoss",
    (),
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
        "piq's style loss with its defaults: Gram matrices without normalisation, mean square",
        f"piq.StyleLoss(), {p.PIQ}",
        {"relu3_3": 1.0},
        options={"network": "vgg16", "gram": "none", "distance": "l2"},
    ),
    _gram(
        "pytorch_tutorial",
        "one Gram matrix for the whole batch over N C H W, mean square",
        "PyTorch's tutorial on neural style transfer",
        STYLE_TUTORIAL,
        options={"gram": "bchw", "distance": "l2"},
        notes=("Made for one image: in a batch, channels of different images are multiplied too.",),
    ),
)
