"""One training of the study, from the shared start to the end, and what came out of it, as a file
that is read instead of training again.
"""

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from runs import checkpoints, files
from srgan.evaluation import Perception
from super_resolution.evaluation import super_resolve
from super_resolution.losses import criterion_of
from super_resolution.network import SuperResolver
from super_resolution.photographs import Photograph, to_float
from super_resolution.pictures import SMALL_DETAIL, busiest_detail
from super_resolution.training import Settings, Trainer
from torch import Tensor, nn

import ssimloss.functional as F

BASE = "charbonnier"
# The demo's task, with fewer channels, blocks and crops.
SCALE, CROP, BATCH, CHANNELS, BLOCKS = 2, 48, 4, 24, 3
START_RATE, RATE = 2e-3, 1e-3  # the highest learning rates of the start, and of what follows
OTHER_CROPS = 1000  # so that a run does not repeat the crops that its start began with
SIDE = 256  # of the part of each held-out photograph that is judged, around its centre
TIMED = 5  # steps of each of the two trainings, in turn

# Name -> whether more is better. None of them is itself an added loss, but PSNR is a function of L2
# and CIEDE2000 is close to the CIELAB loss.
METRICS = {
    "psnr": True,
    "ssim": True,
    "lpips": False,
    "structure": False,
    "ciede2000": False,
    "flip": False,
}


def label_of(added: str) -> str:
    """As tables and pictures name a run."""
    if not added:
        return f"{BASE} alone"
    return f"{BASE}, again" if added == BASE else added.replace("@", ", share ")


@dataclass(frozen=True)
class Run:
    """A loss that is added to the base, or nothing, with a seed."""

    added: str
    seed: int
    steps: int
    start_steps: int

    @property
    def loss(self) -> str:
        """As ``criterion_of`` takes it."""
        return f"{BASE}+{self.added}"

    @property
    def name(self) -> str:
        return f"{self.added or 'base'}_seed{self.seed}"


class Judge:
    """Scores on held-out photographs, of 8 bit and all three channels."""

    def __init__(self, held_out: Sequence[Photograph], side: int, device: torch.device) -> None:
        self.held_out = [centre(photograph, side) for photograph in held_out]
        self.device = device
        self.perception = Perception(self.held_out, "embedded", device)
        self.shown = busiest_detail(self.held_out[0], SCALE, min(side, SMALL_DETAIL))

    @torch.no_grad()
    def scores(self, network: nn.Module) -> tuple[dict[str, float], Tensor]:
        """Means over the photographs, and the detail of the first that the picture shows."""
        images = [super_resolve(network, photograph, self.device) for photograph in self.held_out]
        measures: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
            "psnr": F.psnr,
            "ssim": F.ssim,
            "lpips": self.perception.alexnet,
            "ciede2000": F.ciede2000,
            "flip": F.flip,
        }
        found: dict[str, list[Tensor]] = {name: [] for name in measures}
        for image, photograph in zip(images, self.held_out, strict=True):
            pred, truth = (
                to_float(pixels[None]).to(self.device) for pixels in (image, photograph.truth)
            )
            for name, measured in measures.items():
                found[name].append(measured(pred, truth))
        means = {name: torch.stack(values).mean().item() for name, values in found.items()}
        means["structure"] = self.perception.structure(images)
        return {name: means[name] for name in METRICS}, self.shown.of(images[0])

    def truth(self) -> Tensor:
        """The detail of the first photograph itself."""
        return self.shown.of(self.held_out[0].truth)


def centre(photograph: Photograph, side: int) -> Photograph:
    """The middle of a photograph, at most ``side`` pixels wide and high."""
    _, height, width = photograph.truth.shape
    tall, wide = min(side, height), min(side, width)
    top, left = ((height - tall) // 2 // SCALE * SCALE, (width - wide) // 2 // SCALE * SCALE)
    truth = photograph.truth[:, top : top + tall, left : left + wide]
    low = photograph.low[
        :,
        top // SCALE : (top + tall) // SCALE,
        left // SCALE : (left + wide) // SCALE,
    ]
    return Photograph(photograph.name, truth.contiguous(), low.contiguous())


def digest_of(photographs: Sequence[Photograph]) -> str:
    """Of the pixels of the photographs in their order, whatever their names."""
    found = hashlib.sha256()
    for photograph in photographs:
        for pixels in (photograph.truth, photograph.low):
            found.update(repr((tuple(pixels.shape), pixels.dtype)).encode())
            found.update(pixels.contiguous().cpu().numpy().tobytes())
    return found.hexdigest()[:16]


class Study:
    """What all runs share: photographs, sizes of the network, and the starts by seed."""

    def __init__(
        self,
        folder: Path,
        training: Sequence[Photograph],
        judge: Judge,
        device: torch.device,
        sizes: dict[str, int],
    ) -> None:
        self.folder, self.training, self.judge, self.device = folder, training, judge, device
        usual = {"scale": SCALE, "crop": CROP, "batch": BATCH, "channels": CHANNELS}
        self.sizes = {**usual, "blocks": BLOCKS, **sizes}
        # A run on other photographs is another run.
        self.data = {"training": digest_of(training), "held_out": digest_of(judge.held_out)}
        self._starts: dict[tuple[int, int], SuperResolver] = {}

    def result_of(self, run: Run) -> dict[str, object]:
        """What the run gave, from its file or by training."""
        path = self.folder / f"{run.name}.json"
        about = {**asdict(run), "sizes": self.sizes, "rate": RATE, "data": self.data}
        if path.exists():
            kept: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
            if {name: kept.get(name) for name in about} == about:
                return kept
        trainer = self.trainer(run)
        self.train(trainer, self.folder / f"{run.name}.pt")
        last = trainer.criterion.last
        scores, shown = self.judge.scores(trainer.network)
        factors = {name: float(weight) for name, weight in last.weights.items()}
        found: dict[str, object] = {**about, **scores}
        found["shares"] = {name: float(share) for name, share in last.gradient_shares.items()}
        found["weight"] = list(factors.values())[-1] / factors[BASE] if run.added else 0.0
        found |= self.times(trainer, self.trainer(Run("", run.seed, run.steps, run.start_steps)))
        detail = Image.fromarray(shown.permute(1, 2, 0).contiguous().numpy())
        files.write(path.with_suffix(".png"), lambda file: detail.save(file, "png"))
        files.write_text(path, json.dumps(found, indent=1) + "\n")
        return found

    def trainer(self, run: Run) -> Trainer:
        """The trainer of a run, at the start that its seed shares."""
        settings = Settings(
            loss=run.loss,
            steps=run.steps,
            seed=run.seed + OTHER_CROPS,
            learning_rate=RATE,
            **self.sizes,
        )
        trainer = Trainer(settings, self.training, self.device, criterion=criterion_of(run.loss))
        trainer.network.load_state_dict(self.start(run.seed, run.start_steps).state_dict())
        return trainer

    def start(self, seed: int, steps: int) -> SuperResolver:
        """The network that every run of a seed begins with: trained on the base alone, once."""
        if (seed, steps) not in self._starts:
            settings = Settings(
                loss=f"{BASE}+", steps=steps, seed=seed, learning_rate=START_RATE, **self.sizes
            )
            trainer = Trainer(settings, self.training, self.device)
            path = self.folder / f"start_seed{seed}_{self.data['training']}.pt"
            if not path.exists() or checkpoints.read(path, settings)["step"] < steps:
                self.train(trainer, path, keep=True)
            trainer.load(path)
            self._starts[seed, steps] = trainer.network
        return self._starts[seed, steps]

    def train(self, trainer: Trainer, checkpoint: Path, *, keep: bool = False) -> None:
        """To the end; it takes seconds, so that what is killed begins anew."""
        trainer.run(
            on_report=lambda values: None,  # noqa: ARG005
            score=lambda network: 0.0,  # noqa: ARG005
            score_every=trainer.settings.steps,
            checkpoint=checkpoint,
            checkpoint_every=trainer.settings.steps,
        )
        if not keep:
            checkpoint.unlink()

    def finished(self, steps: int, start_steps: int) -> list[dict[str, Any]]:
        """What is in the folder of these settings, whenever it was trained; of seeds whose base is
        there, since a loss is compared with that.
        """
        everything = [
            json.loads(path.read_text(encoding="utf-8")) for path in self.folder.glob("*.json")
        ]
        wanted = {
            "steps": steps,
            "start_steps": start_steps,
            "sizes": self.sizes,
            "rate": RATE,
            "data": self.data,
        }
        found = [one for one in everything if {name: one.get(name) for name in wanted} == wanted]
        compared = {one["seed"] for one in found if not one["added"]}
        return [one for one in found if one["seed"] in compared]

    def details(
        self, finished: Sequence[Mapping[str, Any]]
    ) -> tuple[dict[str, Tensor], dict[str, str]]:
        """The detail that each loss gave with the first seed, and its scores, by label; the truth
        comes first.
        """
        seed = min(one["seed"] for one in finished)
        shown, captions = {"truth": self.judge.truth()}, {}
        for one in finished:
            if one["seed"] == seed:
                label = label_of(one["added"])
                name = Run(one["added"], seed, one["steps"], one["start_steps"]).name
                with Image.open(self.folder / f"{name}.png") as detail:
                    shown[label] = torch.from_numpy(np.array(detail)).permute(2, 0, 1)
                captions[label] = f"{one['psnr']:.2f} dB, LPIPS {one['lpips']:.4f}"
        return shown, captions

    def weights(self) -> int:
        """How many weights the network has."""
        settings = Settings(**self.sizes)
        network = SuperResolver(
            scale=settings.scale, channels=settings.channels, blocks=settings.blocks
        )
        return sum(weight.numel() for weight in network.parameters())

    def times(self, trainer: Trainer, base: Trainer) -> dict[str, float]:
        """Milliseconds of processor time of a step of the run and of one of the base, medians of
        steps that were taken in turn.
        """
        seconds: tuple[list[float], list[float]] = ([], [])
        for index in range(2 * (TIMED + 1)):
            began = time.process_time()
            (trainer, base)[index % 2].train_step()
            seconds[index % 2].append(time.process_time() - began)
        ours, theirs = (1000 * statistics.median(each[1:]) for each in seconds)
        return {"step_ms": ours, "base_step_ms": theirs}
