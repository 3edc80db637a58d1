"""A discriminator of patches: strided convolutions with spectral normalization (Miyato et al.
2018), a logit for each place.
"""

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class Discriminator(nn.Module):
    """``(N, 3, H, W)`` in [0, 1] to logits ``(N, 1, H / 4, W / 4)``, each of which sees 27 pixels a
    side.
    """

    def __init__(self, *, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU(0.2)]
        for narrow, wide in ((width, 2 * width), (2 * width, 4 * width)):
            layers += [
                spectral_norm(nn.Conv2d(narrow, wide, 4, stride=2, padding=1)),
                nn.LeakyReLU(0.2),
            ]
        layers += [spectral_norm(nn.Conv2d(4 * width, 4 * width, 3, padding=1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 3, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(2 * images - 1)
