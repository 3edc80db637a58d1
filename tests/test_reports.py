"""Whole workflows that users of such libraries reported, and the correct behaviour: one test per
report, with project and number where there is one. ``test_reports_evaluation.py`` has reports on
metrics and files, ``test_pitfalls.py`` on single calls.
"""

from __future__ import annotations

import collections
import copy
import io
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.utils.checkpoint
from battery import close
from oldest import needs_torch
from torch import Tensor, nn

import ssimloss.functional as F
from ssimloss import (
    LPIPS,
    AdversarialLoss,
    CombinedLoss,
    FeatureMatchingLoss,
    GradientSSIMLoss,
    L1Loss,
    MSSSIMLoss,
    PerceptualLoss,
    SSIML1Loss,
    SSIMLoss,
    Term,
    TextureLoss,
    metrics,
)
from ssimloss.networks import FeatureExtractor

LAYERS = {"conv1_2": 1.0, "conv2_1": 1.0}

pytestmark = pytest.mark.usefixtures("one_thread")


def batch(count: int = 2, side: int = 32, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Noise and a smoother, darker copy of it."""
    pred = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))
    return pred, torch.nn.functional.avg_pool2d(pred, 3, 1, 1) * 0.9


class Model(nn.Module):
    """A network that holds its criterion."""

    def __init__(self, criterion: nn.Module | None = None) -> None:
        super().__init__()
        self.network = nn.Conv2d(3, 3, 3, padding=1)
        self.criterion = criterion or CombinedLoss(
            pixel=L1Loss(),
            ssim=Term(SSIMLoss(window=torch.arange(1.0, 8.0)), 0.2, ramp=3),
            deep=Term(PerceptualLoss("embedded", layers=LAYERS), 0.01, interval=2),
            lpips=LPIPS("alexnet"),
        )

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        loss: Tensor = self.criterion(self.network(image), target)
        return loss


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


# --- training -------------------------------------------------------------------------------------


def test_lpips_becomes_negative_under_an_optimiser_of_the_whole_module(tmp_path: Path) -> None:
    """torchmetrics 2315, NeuralCompression PR 8: ``Adam(self.parameters())`` in Lightning trains
    the heads, and its gradient norms list them. Resumed, schedules go on.
    """
    lightning = pytest.importorskip("lightning")
    from lightning.pytorch.utilities import grad_norm

    class Lit(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = Model()
            self.norms: set[str] = set()

        def training_step(self, images: list[Tensor]) -> Tensor:
            return self.model(*images)

        def validation_step(self, images: list[Tensor]) -> None:
            self.log("loss", self.model(*images))

        def on_before_optimizer_step(self, _: object) -> None:
            self.norms |= set(grad_norm(self, 2))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), 0.1)

    def fit(module: Lit, epochs: int, **options: object) -> lightning.Trainer:
        trainer = lightning.Trainer(
            accelerator="cpu", devices=1, max_epochs=epochs, default_root_dir=tmp_path,
            logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(module, loader, loader, **options)
        return trainer

    loader = torch.utils.data.DataLoader(list(zip(*batch(4, 64), strict=True)), batch_size=2)
    module = Lit()
    lpips = module.model.criterion.lpips
    before = lpips(*batch(side=64))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's own: about workers of the loader
        fit(module, 2).save_checkpoint(tmp_path / "last.ckpt")
        resumed = Lit()
        fit(resumed, 3, ckpt_path=tmp_path / "last.ckpt")
    assert torch.equal(lpips(*batch(side=64)), before)
    assert before > 0
    assert {name.rpartition("/")[2] for name in module.norms} == {
        "grad_2.0_norm_total", "model.network.weight", "model.network.bias",
    }  # fmt: skip
    assert (module.model.criterion.step, resumed.model.criterion.step) == (4, 6)


def test_weights_of_the_perceptual_network_are_initialised_anew(model: Model) -> None:
    """pix2pix and ESRGAN call ``model.apply(init_weights)``, scripts for tiles change the padding
    of every convolution, GAN code normalises every weight. The loss is none of theirs.
    """
    pred, target = batch(side=64)
    mine = copy.deepcopy(model)
    before = mine.criterion(pred, target)

    def initialise(module: nn.Module) -> None:
        for name in ("weight", "bias"):
            if isinstance(getattr(module, name, None), Tensor):
                nn.init.zeros_(getattr(module, name))
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d)):
            module.padding_mode = "circular"

    mine.apply(initialise)
    mine.requires_grad_(True).train().to(memory_format=torch.channels_last)
    for module in list(mine.modules()):
        if isinstance(module, nn.Conv2d):
            nn.utils.parametrizations.weight_norm(module)
    nn.SyncBatchNorm.convert_sync_batchnorm(mine)
    mine.criterion.step = 0
    assert torch.equal(mine.criterion(pred, target), before)
    assert all(name.startswith("network.") for name, _ in mine.named_parameters())


def test_averaged_copy_drags_the_loss_along(model: Model) -> None:
    """super-gradients, timm, BasicSR: an average of the weights is a deep copy of the model, whose
    state dict is averaged or copied entry by entry, then ``update_bn``.
    """
    mine = copy.deepcopy(model)
    averaged = torch.optim.swa_utils.AveragedModel(mine, use_buffers=True)
    mine(*batch(side=64)).backward()
    averaged.update_parameters(mine)
    for old, new in zip(averaged.module.state_dict().values(), mine.state_dict().values()):  # noqa: B905
        old.copy_(0.9 * old + 0.1 * new)
    torch.optim.swa_utils.update_bn([], averaged)
    close(averaged.module.criterion(*batch(side=64)), model.criterion(*batch(side=64)), 1e-6)
    assert sum(value.numel() for value in averaged.state_dict().values()) < 100


@pytest.mark.parametrize("static", [False, True])
def test_criterion_inside_a_model_under_ddp(model: Model, static: bool) -> None:
    """pytorch-lightning, accelerate: the loss is part of ``forward`` under
    ``DistributedDataParallel``, gradients add up under ``no_sync``, and terms come and go.
    """
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("needs torch.distributed with gloo")
    alone, mine = copy.deepcopy(model), copy.deepcopy(model)
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        wrapped = nn.parallel.DistributedDataParallel(mine, static_graph=static)
        for step in range(4):
            images = batch(side=64, seed=step)
            alone(*images).backward()
            if static or step % 2:
                wrapped(*images).backward()
            else:
                with wrapped.no_sync():
                    wrapped(*images).backward()
    finally:
        torch.distributed.destroy_process_group()
    assert mine.criterion.step == alone.criterion.step
    close(mine.network.weight.grad, alone.network.weight.grad, 1e-6)


@needs_torch(2, 7, "its compiler makes 6 graphs of these 7 sizes")
def test_compiled_step_with_a_last_batch_and_crops_of_other_sizes() -> None:
    """diffusers 5495, composer 2214: every size compiles anew until the limit is reached; worse, a
    graph of one size serves another.
    """
    graphs = []

    def counting(graph: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., object]:
        graphs.append(graph)
        return graph.forward

    criterion = CombinedLoss(
        pixel=Term(SSIML1Loss(), 0.5, ramp=4), deep=PerceptualLoss("embedded", layers=LAYERS)
    )
    again, network = copy.deepcopy(criterion), nn.Conv2d(3, 3, 3, padding=1)

    def step(image: Tensor, target: Tensor) -> Tensor:
        return criterion(network(image), target)

    compiled = torch.compile(step, backend=counting)
    sizes = [(4, 32), (4, 32), (3, 32), (4, 48), (2, 37), (5, 64), (3, 45)]
    for count, side in sizes:
        images = batch(count, side)
        close(compiled(*images), again(network(images[0]), images[1]), 1e-6)
    torch.compiler.reset()
    assert len(graphs) <= 4, f"{len(graphs)} graphs for {len(sizes)} sizes"


def test_half_model_changes_the_definition() -> None:
    """transformers PR 22888 and its reverse: ``model.half()`` casts every buffer, also a window
    that a loss computes with in float32; ``to_empty()`` erases it.
    """
    weights = torch.tensor([1e-9, 3e-9, 1e-9])  # all 0 in float16
    pred, target = batch()
    for loss in (SSIMLoss(window=weights), GradientSSIMLoss(window=weights)):
        before = loss(pred, target)
        assert before > 0
        for move in (nn.Module.half, nn.Module.bfloat16, lambda m: m.to_empty(device="cpu")):
            assert torch.equal(move(nn.Sequential(loss))[0](pred, target), before)
            assert torch.equal(copy.deepcopy(loss)(pred, target), before)
        other = {"window": torch.ones(3)}
        assert not torch.equal(torch.func.functional_call(loss, other, (pred, target)), before)


def test_lists_of_a_configuration_file() -> None:
    """albumentations 884, hydra 2918: ``hydra.utils.instantiate`` passes sequences that are neither
    a list nor a tuple.
    """
    as_list, as_dict = collections.UserList, collections.UserDict
    pred, target = batch()
    loss = SSIMLoss(data_range=as_list([-1, 1]), exponents=as_list([1.0, 1.0, 1.0]))
    assert repr(loss) == repr(SSIMLoss(data_range=(-1, 1)))
    assert torch.equal(loss(pred, target), SSIMLoss(data_range=(-1, 1))(pred, target))
    layers = as_dict(LAYERS)
    normalization = as_list([as_list([0.5] * 3), as_list([0.2] * 3)])
    deep = PerceptualLoss("embedded", layers=layers, normalization=normalization)
    plain = PerceptualLoss("embedded", layers=LAYERS, normalization=([0.5] * 3, [0.2] * 3))
    assert torch.equal(copy.deepcopy(deep)(pred, target), plain(pred, target))
    scales = as_list([0.3, 0.3, 0.4])
    assert torch.equal(
        MSSSIMLoss(scale_weights=scales, window_size=3)(pred, target),
        MSSSIMLoss(scale_weights=(0.3, 0.3, 0.4), window_size=3)(pred, target),
    )
    assert F.imresize(pred, size=as_list([16, 8])).shape[2:] == (16, 8)
    assert F.imresize(pred, scale=as_list([0.5, 0.25])).shape[2:] == (16, 8)
    with pytest.raises(TypeError, match="data_range must be a number, got str '11'"):
        SSIMLoss(data_range="11")


class _Keeps(nn.Module):
    """A network that keeps what it made last."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)
        self.last: dict[str, list[Tensor]] = {}

    def forward(self, image: Tensor) -> Tensor:
        self.last["features"] = [self.layer(image)]
        return self.last["features"][0]


def _spectral() -> nn.Module:
    return nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(3, 4, 3)))


@pytest.mark.parametrize("make", [_spectral, _Keeps])
def test_network_that_was_used_cannot_be_copied(make: Callable[[], nn.Module]) -> None:
    """pytorch 28594, 102981: "Only Tensors created explicitly by the user support the deepcopy
    protocol", of a discriminator with ``spectral_norm`` or of a network that keeps its features.
    """
    network = make()
    pred, target = batch()
    network(pred).sum().backward()
    kept = network.eval()(pred).detach()
    (layer,) = [name for name, part in network.named_modules() if isinstance(part, nn.Conv2d)]
    extractor = FeatureExtractor(network, [layer], normalization="none")
    close(extractor(pred)[layer], kept, 1e-6)
    assert not extractor(pred)[layer].requires_grad
    assert not list(extractor.parameters())
    loss = PerceptualLoss(network, layers={layer: 1.0})
    loss(pred.requires_grad_(), target).backward()
    assert pred.grad is not None
    assert pred.grad.norm() > 0
    network(pred).sum().backward()  # and the network itself goes on


def test_schedule_is_lost_in_a_sharded_checkpoint(model: Model, tmp_path: Path) -> None:
    """accelerate, torchtitan: ``torch.distributed.checkpoint`` and safetensors hold tensors only,
    and read into the state of the model at hand.
    """
    import safetensors.torch
    import torch.distributed.checkpoint as sharded
    from torch.distributed.checkpoint.state_dict import get_model_state_dict, set_model_state_dict

    trained, by_shards, by_tensors = (copy.deepcopy(model) for _ in range(3))
    trained.criterion.step = 41
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own: that there is one process
        sharded.save({"model": get_model_state_dict(trained)}, checkpoint_id=tmp_path / "shards")
        state = {"model": get_model_state_dict(by_shards)}
        sharded.load(state, checkpoint_id=tmp_path / "shards")
    set_model_state_dict(by_shards, state["model"])
    safetensors.torch.save_model(trained, str(tmp_path / "file"))
    assert safetensors.torch.load_model(by_tensors, tmp_path / "file") == (set(), [])
    assert by_shards.criterion.step == by_tensors.criterion.step == 41


def test_checkpointed_step_computes_other_terms_the_second_time() -> None:
    """torch.utils.checkpoint around a whole step, as trainers have it (TinyLlama 152): "A different
    number of tensors was saved during the original forward and recomputation". The criterion is
    called again in the backward pass, and is then at the step it was at.
    """
    criterion = CombinedLoss(pixel=L1Loss(), ssim=Term(SSIMLoss(), 1.0, ramp=3, interval=2))
    plain, network = copy.deepcopy(criterion), nn.Conv2d(3, 3, 3, padding=1)
    scale = torch.ones((), requires_grad=True)

    def step(image: Tensor, target: Tensor) -> Tensor:
        return (criterion(network(image), target) * scale).exp()

    for count in range(4):
        images = batch(seed=count)
        torch.utils.checkpoint.checkpoint(step, *images, use_reentrant=False).backward()
        found, network.weight.grad = network.weight.grad, None
        (plain(network(images[0]), images[1]) * scale).exp().backward()
        close(found, network.weight.grad, 1e-6)
        network.weight.grad = None
        assert criterion.step == plain.step == count + 1


def test_inputs_from_a_configuration_file() -> None:
    """hydra 2918: ``inputs: [pred, target]`` is neither a list nor a tuple."""
    inputs = collections.UserList(["pred", "target"])
    criterion = CombinedLoss(pixel=Term(L1Loss(), inputs=inputs))
    assert torch.equal(criterion(*batch()), L1Loss()(*batch()))
    assert criterion.terms["pixel"].inputs == ("pred", "target")


# --- GANs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dims", [1, 3])
def test_gan_of_volumes_and_signals(dims: int) -> None:
    """MONAI PR 7319: the discriminators of volumes return feature maps (N, C, D, H, W), those of
    speech (N, C, L).
    """
    space = (6, 5, 4)[:dims]
    real, fake = torch.rand(2, 2, 3, *space)
    logits = torch.randn(2, 2, 1, *space)
    hinge = AdversarialLoss("hinge")
    close(hinge.generator_loss(logits[0]), -logits[0].mean(), 1e-6)
    assert hinge.discriminator_loss(*logits).isfinite()
    fake.requires_grad_()
    loss = FeatureMatchingLoss()([[fake, logits[0]], [fake]], [[real, logits[1]], [real]])
    distances = (fake - real).abs().mean(), (logits[0] - logits[1]).abs().mean()
    close(loss, (2 * distances[0] + distances[1]) / 2, 1e-6)
    loss.backward()
    assert (fake.grad != 0).all()
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dims - 1]
    assert F.r1_penalty(nn.Sequential(conv(3, 1, 3), nn.Tanh()), real) > 0


def test_penalty_of_a_discriminator_in_half_precision() -> None:
    """fastai 2281, apex 215: "Input type (float) and bias type should be the same": the penalty
    hands float32 images to a discriminator in bfloat16.
    """
    judge = nn.Sequential(nn.Conv2d(3, 8, 3), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3))
    halved = copy.deepcopy(judge).bfloat16()
    real, fake = batch()
    draw = lambda: torch.Generator().manual_seed(0)  # noqa: E731
    for dtype in (torch.bfloat16, torch.float32):
        found = F.r1_penalty(halved, real.to(dtype))
        assert found.dtype is torch.float32
        close(found, F.r1_penalty(judge, real), 0.05)
        found = F.gradient_penalty(halved, real.to(dtype), fake.to(dtype), rng=draw())
        close(found, F.gradient_penalty(judge, real, fake, rng=draw()), 0.05)
    found.backward()
    assert all(parameter.grad.isfinite().all() for parameter in halved[0].parameters())


# --- export ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        SSIMLoss,
        L1Loss,
        SSIML1Loss,
        lambda: MSSSIMLoss(min_size="fewer_scales"),
        lambda: TextureLoss("embedded", layers=LAYERS),
    ],
    ids=["ssim", "l1", "ssim_l1", "ms_ssim", "texture"],
)
def test_exported_loss_needs_the_kernels_of_this_machine(make: Callable[[], nn.Module]) -> None:
    """pytorch 147374, onnx 3215: a custom operator in the program cannot be translated to ONNX, and
    runs neither on another device nor without its package.
    """
    if not hasattr(torch.compiler, "is_exporting"):
        pytest.skip("this PyTorch does not say that it exports")
    mine, (pred, target) = Model(make()), batch()
    program = torch.export.export(mine, (pred, target))
    nodes = [
        str(node.target)
        for part in program.graph_module.modules()
        if isinstance(part, torch.fx.GraphModule)
        for node in part.graph.nodes
    ]
    assert len(nodes) > 5
    assert not [name for name in nodes if "ssimloss" in name]
    close(program.module()(pred, target), mine(pred, target), 1e-6)


# --- small surprises ------------------------------------------------------------------------------


def _gray_for_the_network() -> None:
    """LPIPS of images with one channel."""
    gray = [image[:, :1] for image in batch(side=64)]
    close(LPIPS()(*gray), LPIPS()(*[image.expand(-1, 3, -1, -1) for image in gray]), 0)


def _last_batch_is_empty() -> None:
    """A filtered batch holds no image; its gradient is empty, not missing."""
    empty = torch.rand(0, 3, 64, 64, requires_grad=True)
    CombinedLoss(a=SSIMLoss(), b=LPIPS())(empty, torch.rand(0, 3, 64, 64)).backward()
    assert empty.grad is not None


def _network_in_half_precision() -> None:
    """``model.half()`` and ``channels_last`` reach the criterion inside."""
    pair = batch(side=64)
    criterion = CombinedLoss(a=SSIMLoss(), b=LPIPS())
    before = criterion(*pair)
    nn.ModuleList([criterion]).half().to(memory_format=torch.channels_last)
    close(criterion(*pair), before, 0)
    close(criterion(*[image.half() for image in pair]), before, 1e-2)


def _target_is_trained() -> None:
    """Cycle losses: both images ask for gradients, of every term."""
    pair = [image.requires_grad_() for image in batch(side=64)]
    CombinedLoss(a=L1Loss(), b=SSIMLoss(), c=LPIPS())(*pair).backward()
    assert all(image.grad is not None and image.grad.norm() > 0 for image in pair)


def _images_in_integers() -> None:
    """uint8 images, or those of a Fourier transform: each loss tells the way out."""
    images = [(image * 255).byte() for image in batch(side=64)]
    with pytest.raises(TypeError, match=r"got torch.complex64; compare pred\.abs\(\), or real"):
        L1Loss()(*[image.to(torch.complex64) for image in batch()])
    for loss in (SSIMLoss(), LPIPS(), CombinedLoss(a=L1Loss())):
        with pytest.raises(TypeError, match=r"pred must be floating point, got torch\.uint8"):
            loss(*images)


def _transposed_views() -> None:
    """Views are compared by their values, not by their memory."""
    views = [image.transpose(2, 3) for image in batch(side=40)]
    close(SSIMLoss()(*views), SSIMLoss()(*[view.contiguous() for view in views]), 1e-6)


def _strict_settings() -> None:
    """Deterministic algorithms and the detection of anomalies, together."""
    pred, target = batch(side=64)
    torch.use_deterministic_algorithms(True)
    try:
        with torch.autograd.set_detect_anomaly(True):
            CombinedLoss(a=SSIML1Loss(), b=LPIPS(), c=PerceptualLoss("embedded"))(
                pred.requires_grad_(), target
            ).backward()
    finally:
        torch.use_deterministic_algorithms(False)
    assert pred.grad is not None
    assert pred.grad.isfinite().all()


def _wrapped_in_data_parallel() -> None:
    """``nn.DataParallel`` makes a copy for each device, and all count the steps."""
    plain, ramped = CombinedLoss(a=L1Loss()), CombinedLoss(a=Term(L1Loss(), 1.0, ramp=5))
    CombinedLoss(whole=Term(plain, inputs=("pred", "target")))  # a part of a sum is served too
    close(plain._replicate_for_data_parallel()(*batch()), plain(*batch()), 0)
    with pytest.raises(RuntimeError, match=r"inside nn\.DataParallel.* use Distributed"):
        ramped._replicate_for_data_parallel()(*batch())


def _saved_in_whole() -> None:
    """``torch.save`` of what validates, in the middle of an epoch."""
    validator = metrics.Validator(["psnr", "embedded"])
    validator.update(*batch(side=64))
    file = io.BytesIO()
    torch.save(validator, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    assert dict(again.compute()) == dict(validator.compute())


def _step_outside_of_the_criterion() -> None:
    """``torch.export`` of a criterion in evaluation mode, not strict, as ExecuTorch wants it."""
    criterion = CombinedLoss(a=Term(L1Loss(), 0.5, ramp=3), b=SSIMLoss()).eval()
    program = torch.export.export(criterion, batch(), strict=False)
    close(program.module()(*batch(seed=1)), criterion(*batch(seed=1)), 1e-6)


@pytest.mark.parametrize(
    "report",
    [
        _gray_for_the_network,
        _last_batch_is_empty,
        _network_in_half_precision,
        _target_is_trained,
        _images_in_integers,
        _transposed_views,
        _strict_settings,
        _wrapped_in_data_parallel,
        _saved_in_whole,
        _step_outside_of_the_criterion,
    ],
)
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_what_users_try(report: Callable[[], None]) -> None:
    report()
