"""One run of the study: trains from the start or a checkpoint to the end, and writes its results to
a file that is read instead of training again.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from runs import checkpoints, files
from srgan import training as adversarial
from srgan.evaluation import Perception
from super_resolution import training as plain
from super_resolution.evaluation import super_resolve
from super_resolution.network import SuperResolver
from super_resolution.photographs import Photograph, to_float
from torch import Tensor, nn

import ssimloss.functional as F
from balancing.variants import Variant, fine_tuning, super_resolution
from ssimloss import LPIPS

METRICS = ("psnr", "ssim", "lpips", "structure")
Trainer = plain.Trainer | adversarial.Trainer


@dataclass(frozen=True)
class Run:
    """A variant in a part of the study, with a seed."""

    part: str
    task: str  # "super_resolution" or "fine_tuning"
    variant: Variant
    seed: int
    steps: int

    @property
    def name(self) -> str:
        words = self.variant.name.replace(",", "").replace(" ", "_")
        return f"{self.part}/{words}_seed{self.seed}"


class Judge:
    """Scores on held-out photographs, of 8 bit and all three channels."""

    def __init__(self, held_out: Sequence[Photograph], device: torch.device) -> None:
        self.held_out, self.device = held_out, device
        self.perception = Perception(held_out, "embedded", device)
        self.lpips = LPIPS().to(device)

    @torch.no_grad()
    def scores(self, network: nn.Module) -> dict[str, float]:
        """Means over the photographs: PSNR in dB, SSIM, LPIPS, and DISTS on the embedded
        network.
        """
        images = [super_resolve(network, photograph, self.device) for photograph in self.held_out]
        found: dict[str, list[Tensor]] = {"psnr": [], "ssim": [], "lpips": []}
        for image, photograph in zip(images, self.held_out, strict=True):
            pred, truth = (
                to_float(pixels[None]).to(self.device) for pixels in (image, photograph.truth)
            )
            found["psnr"].append(F.psnr(pred, truth))
            found["ssim"].append(F.ssim(pred, truth))
            found["lpips"].append(self.lpips(pred, truth))
        means = {name: torch.stack(values).mean().item() for name, values in found.items()}
        return {**means, "structure": self.perception.structure(images)}


def result_of(
    run: Run,
    folder: Path,
    trainer: Callable[[Run], Trainer],
    judge: Judge,
    *,
    checkpoint_every: int = 100,
) -> dict[str, object]:
    """The results of the run, from its file or by training."""
    path, checkpoint = folder / f"{run.name}.json", folder / f"{run.name}.pt"
    about = {**asdict(run), "variant": run.variant.name}
    if path.exists():
        kept: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        if {name: kept.get(name) for name in about} == about:
            return kept
    made = trainer(run)
    if checkpoint.exists():
        made.load(checkpoint)
    made.run(
        on_report=lambda values: None,  # noqa: ARG005
        score=_no_score if isinstance(made, plain.Trainer) else _no_scores,
        score_every=run.steps,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
    )
    last = made.criterion.last
    found = {**about, **judge.scores(made.trained)}
    found["shares"] = {name: float(share) for name, share in last.gradient_shares.items()}
    found["weights"] = {name: float(weight) for name, weight in last.weights.items()}
    files.write_text(path, json.dumps(found, indent=1) + "\n")
    checkpoint.unlink()
    return found


def _no_score(network: nn.Module) -> float:  # noqa: ARG001
    return 0.0


def _no_scores(network: nn.Module) -> adversarial.Scores:  # noqa: ARG001
    return adversarial.Scores(0.0, 0.0)


def trainer_of(
    training: Sequence[Photograph],
    device: torch.device,
    start: Callable[[], SuperResolver],
    sizes: dict[str, int],
) -> Callable[[Run], Trainer]:
    """Build the trainer of a run; ``start`` returns the network that fine-tuning begins with."""

    def make(run: Run) -> Trainer:
        if run.task == "super_resolution":
            settings = plain.Settings(
                loss=f"balance study: {run.variant.name}", steps=run.steps, seed=run.seed, **sizes
            )
            return plain.Trainer(
                settings, training, device, criterion=super_resolution(run.variant)
            )
        tuned = adversarial.Settings(
            loss="gan",
            steps=run.steps,
            seed=run.seed,
            **{name: size for name, size in sizes.items() if name in ("batch", "crop")},
        )
        return adversarial.Trainer(
            tuned, start(), training, device, criterion=fine_tuning(run.variant)
        )

    return make


def trained_start(
    folder: Path,
    training: Sequence[Photograph],
    device: torch.device,
    steps: int,
    sizes: dict[str, int],
) -> SuperResolver:
    """The network that every fine-tuning begins with: trained on L1 alone, once."""
    settings = plain.Settings(loss="l1", steps=steps, **sizes)
    trainer = plain.Trainer(settings, training, device)
    checkpoint = folder / "start.pt"
    if checkpoint.exists():
        state = checkpoints.read(checkpoint, settings)
        trainer.load(checkpoint)
        if state["step"] == steps:
            return trainer.trained  # type: ignore[return-value]
    trainer.run(
        on_report=lambda values: None,  # noqa: ARG005
        score=_no_score,
        score_every=steps,
        checkpoint=checkpoint,
        checkpoint_every=100,
    )
    return trainer.trained  # type: ignore[return-value]
