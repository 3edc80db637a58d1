"""The embedded network: ten 3x3 convolutions in four stages, trained without labels by
``examples/train_embedded_network.py``.

Between the stages, a mean over 4x4 is subsampled by 2. The mean removes frequencies that would
alias: shifting the image by a pixel shifts the features but does not change them as max pooling
does (Zhang 2019).
"""

from collections import OrderedDict

from torch import nn

STAGES = ((16, 16), (32, 32), (64, 64, 64), (128, 128, 128))  # channels after each convolution
EMBEDDED_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")  # the last of each stage


def embedded_network() -> nn.Sequential:
    """The chain ``conv1_1 relu1_1 conv1_2 relu1_2 pool1 conv2_1 ... relu4_3`` with random weights
    from torch's generator.

    It takes images ``(N, 3, H, W)`` of at least 16 pixels a side, normalised by ImageNet's mean and
    standard deviation.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for stage, widths in enumerate(STAGES, 1):
        for index, width in enumerate(widths, 1):
            layers[f"conv{stage}_{index}"] = _convolution(channels, width)
            layers[f"relu{stage}_{index}"] = nn.ReLU()
            channels = width
        if stage < len(STAGES):
            # At the border, the mean is over the existing pixels.
            layers[f"pool{stage}"] = nn.AvgPool2d(4, stride=2, padding=1, count_include_pad=False)
    return nn.Sequential(layers)


def _convolution(channels: int, width: int) -> nn.Conv2d:
    """A convolution with weights that keep the variance after a ReLU (He et al. 2015), biases 0."""
    convolution = nn.Conv2d(channels, width, 3, padding=1)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    assert convolution.bias is not None
    nn.init.zeros_(convolution.bias)
    return convolution
