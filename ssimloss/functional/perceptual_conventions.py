"""Content losses of papers and their code: their layers, before or after the activation, and their
distance.

They are options of ``PerceptualLoss``, which owns a network. The caller sets the weight of the
loss, the range of the images and the network's weights.
"""

from collections.abc import Mapping
from typing import Any

from ssimloss.conventions import programs as p
from ssimloss.conventions.convention import Convention, Table

PIX2PIXHD = {
    "relu1_1": 1 / 32,
    "relu2_1": 1 / 16,
    "relu3_1": 1 / 8,
    "relu4_1": 1 / 4,
    "relu5_1": 1.0,
}


def _content(
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
        "distance": "l1",
        **rest.pop("options", {}),
    }
    return Convention(name, title, program, exact=exact, options=options, **rest)


CONVENTIONS = Table(
    "CONTENT",
    "PerceptualLoss",
    (),
    _content(
        "srgan",
        "the loss of SRGAN: squared distance after the last activation",
        "Ledig et al. 2017, VGG 5,4",
        {"relu5_4": 1.0},
        "its equation, averaged over channels too",
        options={"distance": "l2", "feature_scale": 1 / 12.75},
        notes=(
            "Features are divided by 12.75, which multiplies the loss by 0.006; the adversarial "
            "loss has the weight 1e-3 beside it.",
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
        notes=("The original code itself does not normalise: pix2pixhd_program.",),
    ),
    _content(
        "pix2pixhd_program",
        "pix2pixHD as in its code: images in [-1, 1] are passed to the network as they are",
        "VGGLoss of pix2pixHD 2c0c4a2",
        PIX2PIXHD,
        options={"normalization": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))},
        notes=(
            "For any data_range, the network gets [-1, 1]; it was trained on about [-2.1, 2.6].",
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
        "piq's content loss with its defaults: squared distances added over channels",
        f"piq.ContentLoss(), {p.PIQ}",
        {"relu3_3": 256.0},
        options={"network": "vgg16", "distance": "l2"},
        notes=(
            "piq adds over the layer's 256 channels where others average; that is the weight.",
            "Its conv layers return features after the activation, which is in place there; name "
            "the relu for the same value.",
        ),
    ),
)
