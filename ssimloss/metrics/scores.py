"""The result of an epoch: means by metric, and what they leave out."""

from collections.abc import Mapping

from torch import Tensor


class EpochScores(dict[str, float]):
    """The mean of each metric over the images of an epoch, by name.

    Attributes:
        count: number of measured images.
        infinite: by metric, the number of values that are infinite because the image is perfect
            (the PSNR of equal images). The mean leaves them out; it is infinite if all values are.
        images: by metric, the value of each image, float64 ``(count,)`` on the CPU; None if values
            were not kept.
        index: the position of each of these images in the dataset, float64 ``(count,)``; None
            without an index, where ``images`` are in the order of the updates.
    """

    def __init__(
        self,
        means: Mapping[str, float],
        *,
        count: int,
        infinite: Mapping[str, int],
        images: Mapping[str, Tensor] | None = None,
        index: Tensor | None = None,
    ) -> None:
        super().__init__(means)
        self.count = count
        self.infinite = dict(infinite)
        self.images = None if images is None else dict(images)
        self.index = index

    def __repr__(self) -> str:
        """The means, and which of them leave values out."""
        left_out = [
            f"{name} of {number} of {self.count} images is infinite and in no mean"
            for name, number in self.infinite.items()
            if number
        ]
        return super().__repr__() + (f" ({'; '.join(left_out)})" if left_out else "")
