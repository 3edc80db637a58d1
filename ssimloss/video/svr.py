"""The regression of VMAF: a support vector machine from features of a frame to its score.

``y = sum_i c_i exp(-gamma |v_i - x|^2) - rho`` of linearly scaled features ``x``; the score is
``(y - b) / a``. Models are read from the JSON files of libvmaf, which hold a model of LIBSVM
(Chang & Lin 2011) as text.
"""

import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from ssimloss._constants import constant
from ssimloss._precision import widest_dtype
from ssimloss._torch import assume_constant_result
from ssimloss._words import named
from ssimloss.weights import bundled_text

ModelName = Literal["v0.6.1", "v0.6.1neg"]
MODELS: tuple[str, ...] = get_args(ModelName)
FEATURES = (
    *(f"vif_scale{scale}" for scale in range(4)),
    "adm2",
    *(f"adm_scale{scale}" for scale in range(4)),
    "motion",
    "motion2",
)
_GAIN_LIMITS = ("vif_enhn_gain_limit", "adm_enhn_gain_limit")


@dataclass(frozen=True, eq=False, repr=False)
class SVR:
    """A model of VMAF.

    ``SVR.read(path)`` reads a JSON file of libvmaf; ``SVR.named("v0.6.1")`` is part of the package.
    ``model(features)`` takes a dict of tensors of one shape, with the names in ``model.features``,
    and returns the unclipped score of that shape.

    Attributes:
        name: name of the model.
        features: names of its features, in order.
        enhancement_gain_limit: the gain limit of its VIF and ADM features; 1 for NEG.
        limits: the range to which scores are clipped.
    """

    name: str
    features: tuple[str, ...]
    enhancement_gain_limit: float
    limits: tuple[float, float]
    slopes: tuple[float, ...]  # of the score, then of each feature
    intercepts: tuple[float, ...]
    gamma: float
    rho: float
    vectors: tuple[tuple[float, ...], ...]  # the last element of each is its coefficient

    @classmethod
    def named(cls, name: ModelName) -> "SVR":
        """Return a model that is part of the package.

        Raises:
            ValueError: the name is unknown.
            RuntimeError: its file is missing or damaged.
        """
        return _bundled(named("model", name, MODELS))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "SVR":
        """Read a model from a JSON file of libvmaf.

        Raises:
            RuntimeError: the file cannot be read.
            ValueError: it holds another kind of model, or features that are not computed here.
        """
        path = Path(path).expanduser()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RuntimeError(f"model file {path} cannot be read: {error}") from error
        return cls.parse(text, path.stem)

    @classmethod
    def parse(cls, text: str, name: str) -> "SVR":
        """Read a model from the text of such a file.

        Raises:
            ValueError: it holds another kind of model, or features that are not computed here.
        """
        try:
            parts = json.loads(text)["model_dict"]
            head, vectors = _libsvm(parts["model"], len(parts["feature_names"]))
            options = parts.get("feature_opts_dicts") or [{}] * len(parts["feature_names"])
            given = {key: value for row in options for key, value in row.items()}
            found = cls(
                name=name,
                features=tuple(map(_short, parts["feature_names"])),
                enhancement_gain_limit=_gain_limit(name, given),
                limits=_limits(parts.get("score_clip")),
                slopes=tuple(map(float, parts["slopes"])),
                intercepts=tuple(map(float, parts["intercepts"])),
                gamma=float(head["gamma"]),
                rho=float(head["rho"]),
                vectors=vectors,
            )
        except (KeyError, TypeError, IndexError, json.JSONDecodeError) as error:
            raise ValueError(
                f"model {name} is not a JSON file of libvmaf with a model of LIBSVM: "
                f"{type(error).__name__} {error}"
            ) from error
        kind = (head.get("svm_type"), head.get("kernel_type"), parts.get("norm_type"))
        if kind != ("nu_svr", "rbf", "linear_rescale"):
            raise ValueError(
                f"model {name} must be a nu_svr with an rbf kernel of linear_rescale features, got "
                f"{', '.join(map(str, kind))}"
            )
        unknown = [feature for feature in found.features if feature not in FEATURES]
        if unknown:
            raise ValueError(
                f"model {name} needs the features {', '.join(unknown)}, which are not computed "
                f"here; available: {', '.join(FEATURES)}"
            )
        if {len(found.slopes), len(found.intercepts)} != {1 + len(found.features)}:
            raise ValueError(f"model {name} must have one slope and intercept per feature")
        return found

    def __call__(self, features: dict[str, Tensor]) -> Tensor:
        """Return the unclipped score, with the shape and dtype of each feature."""
        return scores_of(self, features)

    def __repr__(self) -> str:
        """Name and features."""
        return f"SVR({self.name!r}, of {', '.join(self.features)})"


def scores_of(model: SVR, features: dict[str, Tensor]) -> Tensor:
    """The unclipped score, with the shape and dtype of each feature. This is a function because
    torch.compile cannot call methods of a constant.
    """
    found = torch.stack([features[name] for name in model.features], -1)
    wide = widest_dtype(found.device)  # terms of opposite signs nearly cancel
    table = constant(model.vectors, found, wide)
    vectors, coefficients = table[:, :-1], table[:, -1]
    scaling = constant((model.slopes[1:], model.intercepts[1:]), found, wide)
    x = torch.addcmul(scaling[1], scaling[0], found.to(wide))  # (..., 6)
    distances = (x.unsqueeze(-2) - vectors).square().sum(-1)  # (..., 211)
    y = (coefficients * torch.exp(-model.gamma * distances)).sum(-1) - model.rho
    return ((y - model.intercepts[0]) / model.slopes[0]).to(found.dtype)


Model = ModelName | SVR


def model_of(model: Model) -> SVR:
    """Return a model by its name, or the model itself.

    Raises:
        TypeError: ``model`` is neither a name nor a model.
        ValueError: the name is unknown.
    """
    if isinstance(model, SVR):
        return model
    if not isinstance(model, str):
        raise TypeError(
            f"model must be a name or an SVR, got {type(model).__name__}; "
            "ssimloss.video.SVR.read(path) reads a file"
        )
    return SVR.named(model)


@assume_constant_result
def _bundled(name: str) -> SVR:
    return _read_bundled(name)


@functools.cache
def _read_bundled(name: str) -> SVR:
    return SVR.parse(bundled_text(f"vmaf_{name}"), name)


def _libsvm(text: str, count: int) -> tuple[dict[str, str], tuple[tuple[float, ...], ...]]:
    """The head, and the support vectors of ``count`` features, of a model of LIBSVM as text."""
    before, _, after = text.partition("\nSV\n")
    head = dict(line.split(" ", 1) for line in before.strip().split("\n"))
    vectors = []
    for line in after.strip().split("\n"):
        coefficient, *entries = line.split()
        values = [0.0] * count  # features that are not in the text are 0
        for entry in entries:
            index, value = entry.split(":")
            values[int(index) - 1] = float(value)
        vectors.append((*values, float(coefficient)))
    return head, tuple(vectors)


def _short(name: str) -> str:
    """``VMAF_integer_feature_adm2_score`` is ``adm2``."""
    return name.rpartition("feature_")[2].removesuffix("_score")


def _gain_limit(name: str, options: dict[str, Any]) -> float:
    unknown = options.keys() - set(_GAIN_LIMITS)
    limits = {float(options.get(key, 100.0)) for key in _GAIN_LIMITS}
    if unknown or len(limits) != 1:
        raise ValueError(
            f"model {name} needs features with the options {options}; the only supported option is "
            "one gain limit for VIF and ADM"
        )
    return limits.pop()


def _limits(clip: Any) -> tuple[float, float]:
    return (float(clip[0]), float(clip[1])) if clip else (-float("inf"), float("inf"))
