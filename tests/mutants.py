"""Shows whether the tests find faults: plants one after the other in a copy of the package, and
runs the tests of its room until one fails.

    python tests/mutants.py --jobs 2 --markdown faults.md     all of them: half an hour
    python tests/mutants.py --only 3 --only 17                these two
    python tests/mutants.py --whole                           survivors meet the whole suite too
    python tests/mutants.py --list                            what there is; plants nothing

A fault is a snippet that stands exactly once in the package, in whichever file, and what replaces
it. A snippet that is missing, or that stands twice, is an error before anything runs: take another
that says the same. The exit status is 1 if a fault survives.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_OUT = (".git", ".venv", "outputs", "__pycache__", ".pytest_cache", ".mypy_cache", "*.egg-info")
TIMEOUT = 1200.0  # seconds for the tests of a room; a fault may make a loop endless
WHOLE_TIMEOUT = 5400.0


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is planted, and which tests of its room to run first."""

    room: str
    what: str
    snippet: str
    replacement: str
    tests: tuple[str, ...]


def fault(room: str, what: str, snippet: str, replacement: str, tests: str) -> Fault:
    """``tests``: names of files, without ``test_`` and ``.py``."""
    return Fault(room, what, snippet, replacement, tuple(tests.split()))


FAULTS = (
    # --- reductions, precision, checks, options ---------------------------------------------------
    fault(
        "_reduce",
        "a score is not turned into a loss: sign",
        "return Scores(perfect - self.values,",
        "return Scores(self.values - perfect,",
        "structure every_loss",
    ),
    fault(
        "_reduce",
        "the masked mean is divided by all elements",
        "return total / torch.where(mass > 0, mass, 1)",
        "return total / max(values.numel(), 1)",
        "pixel every_loss",
    ),
    fault(
        "_reduce",
        "a sum forgets for how many positions a value stands",
        "return result * self.positions if reduction",
        "return result if reduction",
        "every_loss structure",
    ),
    fault(
        "_precision",
        "autocast stays on",
        "if not torch.compiler.is_compiling() and not torch.is_autocast_enabled(device_type):",
        "if device_type:",
        "half_precision every_loss",
    ),
    fault(
        "_checks",
        "the message names the other argument",
        'same_shape("target", target, "pred", pred)\n\n\ndef',
        'same_shape("pred", target, "target", pred)\n\n\ndef',
        "pixel every_loss",
    ),
    fault(
        "_files",
        "a half-written file is left when the writer fails",
        "        partial.unlink(missing_ok=True)\n        raise",
        "        raise",
        "files",
    ),
    fault(
        "_options",
        "a setting that is changed keeps its old record: stale cache",
        "made[self._places[name]] = self._record(self._places[name], {name: value})",
        "made[self._places[name]] = self._record(self._places[name], {})",
        "records every_loss twins structure pixel",
    ),
    fault(
        "_options",
        "reduction and backend no longer end the signature",
        "return inspect.Signature([*positional, *first, *keyword_only, *last]",
        "return inspect.Signature([*positional, *last, *keyword_only, *first]",
        "public_surface twins",
    ),
    fault(
        "measure",
        "the loss of a score is the score",
        'if as_loss and self.role == "score":',
        'if not as_loss and self.role == "score":',
        "every_loss contracts",
    ),
    # --- signal processing ------------------------------------------------------------------------
    fault(
        "filters",
        "the window of kernels is half a tap off",
        "deviations = [(tap - (window_size - 1) / 2) / sigma",
        "deviations = [(tap - window_size / 2) / sigma",
        "structure native",
    ),
    fault(
        "filters",
        "a window of the caller's is not normalised",
        "return (weights / weights.sum()).to(like)",
        "return weights.to(like)",
        "structure",
    ),
    fault(
        "filters",
        "reflection repeats the edge off the CPU: border",
        "image.narrow(axis, 1, amount).flip(axis),",
        "image.narrow(axis, 0, amount).flip(axis),",
        "structure",
    ),
    fault(
        "color",
        "a weight of BT.709: constant",
        "(0.2126, 0.7152, 0.0722)",
        "(0.2126, 0.7125, 0.0722)",
        "color",
    ),
    fault(
        "image_gradients",
        "a difference weighs as the smaller of its two pixels",
        "return tuple(after * before for after, before in neighbours(mask, axes))",
        "return tuple(torch.minimum(a, b) for a, b in neighbours(mask, axes))",
        "smoothness gradient",
    ),
    fault(
        "resize",
        "output pixels lie half a pixel off",
        ") / scale - 0.5  # where output pixels lie",
        ") / scale  # where output pixels lie",
        "resize",
    ),
    # --- kernels' Python side ---------------------------------------------------------------------
    fault(
        "kernels",
        "only the second image asks, and the first gets the gradient",
        "        x, y, first, second = y, x, grad_y, None\n",
        "        first, second = grad_y, None\n",
        "native",
    ),
    fault(
        "kernels",
        "a gradient that was scaled in place is used again: stale",
        "        ctx.given_away = True\n        # .data",
        "        ctx.given_away = False\n        # .data",
        "native similarity_gradient",
    ),
    fault(
        "kernels",
        "the library computes options that it does not cover",
        "if uncovered is None and not equation_only and not is_exporting():",
        "if not equation_only and not is_exporting():",
        "native structure",
    ),
    fault(
        "kernels",
        "Triton's mean is over the image, not the map",
        "similarity_weight=mixed.similarity_weight / (map_h * map_w),",
        "similarity_weight=mixed.similarity_weight / (h * w),",
        "triton",
    ),
    fault(
        "kernels",
        "a kernel that returns NaN proves itself",
        "if not error <= 2 * allowed + FLOOR:",
        "if error > 2 * allowed + FLOOR:",
        "proof",
    ),
    fault(
        "kernels",
        "auto takes a kernel that is slower",
        "if times[0] > times[1]}",
        "if times[0] > 1e6 * times[1]}",
        "proof",
    ),
    # --- equations --------------------------------------------------------------------------------
    fault(
        "functional",
        "SSIM: half of the variance of the difference",
        "return 1 - s.var_difference / (s.var_sum + c2)",
        "return 1 - s.var_difference / 2 / (s.var_sum + c2)",
        "structure",
    ),
    fault(
        "functional",
        "SSIM: local means under a mask are not normalised",
        "means = [m / torch.where(mass > 0, mass, 1) for m in means]",
        "means = list(means)",
        "structure",
    ),
    fault(
        "functional",
        "MS-SSIM: fewer scales without new weights",
        "return tuple(w / total for w in self.scale_weights[:fitting])",
        "return tuple(self.scale_weights[:fitting])",
        "multiscale",
    ),
    fault(
        "functional",
        "MS-SSIM + L1: the finest window weighs L1",
        'make_window("gaussian", options.window_size, options.sigmas[-1], x)',
        'make_window("gaussian", options.window_size, options.sigmas[0], x)',
        "multiscale",
    ),
    fault(
        "functional",
        "total variation: dx is aligned at the other border",
        "amounts = [(0, image.shape[i] - values.shape[i])",
        "amounts = [(image.shape[i] - values.shape[i], 0)",
        "smoothness",
    ),
    fault(
        "functional",
        "focal frequency: the weight is not detached",
        "weight = squared.detach().sqrt().pow(alpha)",
        "weight = squared.sqrt().pow(alpha)",
        "frequency",
    ),
    fault(
        "functional",
        "Charbonnier: another default",
        "    eps: float = 1e-3\n    at_zero: AtZero",
        "    eps: float = 1e-6\n    at_zero: AtZero",
        "pixel public_surface",
    ),
    fault(
        "functional",
        "PSNR: the span is not squared",
        "error = error / options.span**2",
        "error = error / options.span",
        "pixel",
    ),
    fault(
        "functional",
        "relativistic average: each side against its own mean",
        "r, f = r - mean_f, f - mean_r",
        "r, f = r - mean_r, f - mean_f",
        "adversarial",
    ),
    fault(
        "functional",
        "the generator's loss keeps the graph of the real logits",
        "r_logits = r.logits.detach() if options.detach_real else r.logits",
        "r_logits = r.logits",
        "adversarial",
    ),
    fault(
        "functional",
        "gradient penalty: one random number for the batch",
        "len(real), *[1] * (real.ndim - 1), generator=rng",
        "1, *[1] * (real.ndim - 1), generator=rng",
        "penalties",
    ),
    fault(
        "functional",
        "gradient penalty: the loss scale is not taken out",
        "return gradient / scaler.scale(one)",
        "return gradient / one",
        "penalties",
    ),
    fault(
        "functional",
        "Gram matrix of Gatys: constant",
        '"gatys": 2 * channels * positions',
        '"gatys": channels * positions',
        "perceptual",
    ),
    fault(
        "functional",
        "LPIPS: maps are resized from the corners",
        "dtype=like.dtype) + 0.5) * (size / to) - 0.5",
        "dtype=like.dtype)) * (size / to)",
        "lpips_dists",
    ),
    fault(
        "functional",
        "contextual loss: the images' own mean is subtracted",
        "pred, target = pred - mean, target - mean",
        "pred, target = pred - pred.mean((2, 3), keepdim=True), target - mean",
        "perceptual",
    ),
    fault(
        "functional",
        "cycle consistency: the identity term has the weight 1",
        "value = value + options.identity_weight * _distance(",
        "value = value + _distance(",
        "consistency",
    ),
    # --- losses, networks, weights ----------------------------------------------------------------
    fault(
        "losses",
        "derived modules drop the mask",
        "            tensors = given\n",
        "            tensors = {}\n",
        "every_loss twins",
    ),
    fault(
        "judgements",
        "opinion scores count the other way",
        '(-1 if better == "high" else 1)',
        '(1 if better == "high" else -1)',
        "lpips_dists",
    ),
    fault(
        "networks",
        "the lower end of the range is not scaled",
        "tuple(-(lo / span + m) / s for m, s in",
        "tuple(-(lo + m) / s for m, s in",
        "features networks",
    ),
    fault(
        "networks",
        "average pooling counts the border",
        "pool.ceil_mode, count_include_pad=False",
        "pool.ceil_mode, count_include_pad=True",
        "networks",
    ),
    fault(
        "networks",
        "the column that pooling drops keeps what was in memory",
        "    whole[..., 2 * w :].zero_()\n",
        "",
        "networks",
    ),
    fault(
        "weights",
        "eight digits of a bundled file's SHA-256 are enough",
        "if not found.startswith(entry.sha256):",
        "if not found.startswith(entry.sha256[:8]):",
        "weights",
    ),
    fault(
        "weights",
        "two processes download at once: the lock is not taken",
        "with _locked(to):",
        "with contextlib.nullcontext():",
        "weights",
    ),
    fault(
        "weights",
        "a pickle may call functions",
        'return torch.load(path, map_location="cpu", weights_only=True)',
        'return torch.load(path, map_location="cpu", weights_only=False)',
        "weights",
    ),
    # --- combined ---------------------------------------------------------------------------------
    fault(
        "combined",
        "a ramp begins a step late",
        "part = min(step - since + 1, self.ramp) / self.ramp",
        "part = min(step - since, self.ramp) / self.ramp",
        "combined",
    ),
    fault(
        "combined",
        "an interval is counted from step 0",
        "(step - self.start) % self.interval != 0",
        "step % self.interval != 0",
        "combined",
    ),
    fault(
        "combined",
        "a step without gradients counts",
        "counts = self.training and torch.is_grad_enabled()",
        "counts = self.training",
        "combined",
    ),
    fault(
        "combined",
        "features of an image that was changed in place: stale cache",
        "same = made is image and its_version == version and with_graph == graph",
        "same = made is image and with_graph == graph",
        "sharing",
    ),
    fault(
        "combined",
        "a gradient that reaches the network around pred as well counts twice",
        "is_fed = not handled and not around",
        "is_fed = not handled",
        "output_gradients",
    ),
    fault(
        "combined",
        "the gradient of the float32 copy of pred counts twice",
        "return None if ctx.gate.is_closed else gradient.to(ctx.dtype), None",
        "return gradient.to(ctx.dtype), None",
        "output_gradients",
    ),
    fault(
        "combined",
        "gradients underflow in half precision: no scale",
        "return float(min(MOST_SCALE, 2 ** int(math.log2(max(1, min(sizes))))))",
        "return 1.0",
        "output_gradients",
    ),
    fault(
        "combined",
        "hooks act twice",
        "return tensor.retains_grad or has_hooks(tensor)",
        "return False",
        "output_gradients",
    ),
    fault(
        "combined",
        "a compiled discriminator is walked with a graph that it cannot keep",
        "retain_graph=not is_fed or not found.is_compiled,",
        "retain_graph=True,",
        "output_gradients",
    ),
    fault(
        "combined",
        "several processes: the sum of the gradients in place of the mean",
        "norms=scaled / (scale * count),",
        "norms=scaled / scale,",
        "balance",
    ),
    fault(
        "combined",
        "several processes balance by what each has seen",
        "distributed.all_reduce(numbers, group=group)\n    return numbers, count",
        "pass\n    return numbers, count",
        "balance",
    ),
    fault(
        "combined",
        "a resumed run begins its accumulation anew",
        "self.calls += rest",
        "self.calls += 0",
        "balance schedules",
    ),
    fault(
        "combined",
        "a gradient that is not finite is multiplied by 0",
        "gradient = torch.where(ok, gradient, 0.0)",
        "gradient = gradient * ok",
        "alarms",
    ),
    fault(
        "combined",
        "a strategy remembers what is not finite",
        "last = torch.where(is_usable(norms)[:, None], shifted, last)",
        "last = shifted",
        "balance",
    ),
    fault(
        "combined",
        "an alarm is told at every reading",
        "if (kind, term) not in self.reported:",
        "if True:",
        "alarms",
    ),
    # --- conventions, metrics, evaluation, command line -------------------------------------------
    fault(
        "conventions",
        "images in (lo, hi) are not shifted",
        "image = (image - steps.low) / steps.span",
        "image = image / steps.span",
        "preparation",
    ),
    fault(
        "conventions",
        "codes are rounded down",
        "return (image * 255).round() if",
        "return (image * 255).floor() if",
        "preparation",
    ),
    fault(
        "metrics",
        "8-bit images are taken for images in [0, 1]",
        "return 255.0 if stored else 1.0",
        "return 1.0",
        "preparation",
    ),
    fault(
        "metrics",
        "a batch counts as one image",
        "self._count += len(values)",
        "self._count += 1",
        "validator",
    ),
    fault(
        "metrics",
        "sums depend on the order of the images",
        "return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)",
        "return sum(values)",
        "validator torchmetrics_classes",
    ),
    fault(
        "metrics",
        "an equal value replaces the best checkpoint",
        "if value > best if self.higher_is_better else value < best:",
        "if value >= best if self.higher_is_better else value <= best:",
        "validator",
    ),
    fault(
        "metrics",
        "metric classes say the wrong direction",
        '"higher_is_better": found.better == "higher",',
        '"higher_is_better": found.better == "lower",',
        "contracts torchmetrics_classes",
    ),
    fault(
        "metrics",
        "Frechet distance: a factor 2 is missing",
        "+ traces - 2 * root",
        "+ traces - root",
        "set_statistics",
    ),
    fault(
        "metrics",
        "EDSR's border",
        'border=scale + 6 if name == "edsr" else None',
        'border=scale if name == "edsr" else None',
        "protocol",
    ),
    fault(
        "metrics",
        "a gray image is taken to luma again",
        "luma = None if gray else self.luma",
        "luma = self.luma",
        "protocol",
    ),
    fault(
        "evaluation",
        "one-sided ends of a confidence interval",
        "[(1 - confidence) / 2, (1 + confidence) / 2]",
        "[1 - confidence, confidence]",
        "evaluation_statistics",
    ),
    fault(
        "evaluation",
        "16-bit images are scaled as if they had 8",
        "widened(stacked) / images[0].data_range",
        "widened(stacked) / 255",
        "evaluation_run evaluation_images",
    ),
    fault(
        "evaluation",
        "references without a counterpart are not told",
        "return Pairing(pairs, list(methods), lacking + unmatched, ",
        "return Pairing(pairs, list(methods), unmatched, ",
        "evaluation_pairs",
    ),
    fault(
        "cli",
        "an interrupted command ends with another status",
        "raise typer.Exit(130) from error",
        "raise typer.Exit(1) from error",
        "cli_evaluate evaluation_processes",
    ),
    fault(
        "cli",
        "a method loses the name of its folder",
        "methods = {name or Path(path).name: path for name, path in named}",
        "methods = {name or path: path for name, path in named}",
        "cli_evaluate",
    ),
)


def located(package: Path) -> dict[int, Path]:
    """The file of each fault.

    Raises:
        LookupError: snippets that do not stand exactly once, all of them.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(package.rglob("*.py"))}
    found, wrong = {}, []
    for number, one in enumerate(FAULTS, 1):
        files = [path for path, text in texts.items() for _ in range(text.count(one.snippet))]
        if len(files) == 1:
            found[number] = files[0]
        else:
            times = [str(path.relative_to(package)) for path in files]
            wrong.append(f"{number} {one.room}: {len(files)} times {times}: {one.snippet!r}")
        for name in one.tests:
            if not (ROOT / "tests" / f"test_{name}.py").exists():
                wrong.append(f"{number} {one.room}: there is no tests/test_{name}.py")
    if wrong:
        raise LookupError("\n".join(wrong))
    return found


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a fault."""

    number: int
    room: str
    what: str
    file: str
    found_by: str | None  # the first test that failed; None for a survivor
    in_room: bool
    seconds: float


class Copy:
    """A copy of the checkout in which faults are planted."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(*LEFT_OUT))
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
        }
        where = self.run([sys.executable, "-c", "import ssimloss; print(ssimloss.__file__)"], 120)
        if not where.stdout.startswith(str(self.root)):
            raise RuntimeError(f"the copy is not what is imported: {where.stdout}{where.stderr}")

    def run(self, command: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
        """In the copy."""
        return subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def first_failure(self, tests: list[str], timeout: float) -> str | None:
        """The first test that fails; None if all pass."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        try:
            done = self.run([*command, "--tb=no", "-rfE", *tests], timeout)
        except subprocess.TimeoutExpired:
            return "no end"
        if done.returncode == 0:
            return None
        named = re.search(r"^(?:FAILED|ERROR) (?:tests/)?(.+?)(?: - .*)?$", done.stdout, re.M)
        return named[1] if named else f"pytest ended with {done.returncode}"

    def outcome(self, number: int, file: Path, whole: bool) -> Outcome:
        """Plant a fault, run the tests, take it out again."""
        one, start = FAULTS[number - 1], time.monotonic()
        path = self.root / file.relative_to(ROOT)
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(one.snippet, one.replacement), encoding="utf-8")
        try:
            tests = [f"tests/test_{name}.py" for name in one.tests]
            found = self.first_failure(tests, TIMEOUT)
            in_room = found is not None
            if found is None and whole:
                found = self.first_failure(["tests"], WHOLE_TIMEOUT)
        finally:
            path.write_text(text, encoding="utf-8")
        seconds = time.monotonic() - start
        inside = file.relative_to(ROOT).as_posix()
        return Outcome(number, one.room, one.what, inside, found, in_room, seconds)


def plant(numbers: list[int], files: dict[int, Path], jobs: int, whole: bool) -> list[Outcome]:
    """Every fault, in ``jobs`` copies at a time."""
    with tempfile.TemporaryDirectory() as folder:
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for job in range(min(jobs, len(numbers))):
            copies.put(Copy(Path(folder, str(job))))

        def planted(number: int) -> Outcome:
            copy = copies.get()
            try:
                found = copy.outcome(number, files[number], whole)
            finally:
                copies.put(copy)
            print(line(found), flush=True)
            return found

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(planted, numbers))


def line(found: Outcome) -> str:
    """One line of the table."""
    by = found.found_by or "SURVIVES"
    if found.found_by and not found.in_room:
        by += " (not in its room)"
    cells = f"{found.number:3d}  {found.room:15s}  {found.what[:58]:58s}  {found.seconds:5.0f} s"
    return f"{cells}  {by}"


def markdown(outcomes: list[Outcome]) -> str:
    """The table for a document."""
    survivors = sum(found.found_by is None for found in outcomes)
    lines = [
        f"{len(outcomes)} faults planted, {len(outcomes) - survivors} found.",
        "",
        "| room | fault | found by | s |",
        "|---|---|---|---|",
    ]
    for found in outcomes:
        by = "**no test**" if found.found_by is None else f"`{found.found_by}`"
        lines.append(f"| `{found.room}` | {found.what} | {by} | {found.seconds:.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Plant and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", type=int, action="append", metavar="N", help="this fault only")
    parser.add_argument("--jobs", type=int, default=2, help="copies that are tested at a time")
    parser.add_argument("--whole", action="store_true", help="the whole suite for survivors")
    parser.add_argument("--list", action="store_true", help="list the faults and their files")
    parser.add_argument("--json", type=Path, help="write the outcomes to this file")
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    chosen = parser.parse_args()
    try:
        files = located(ROOT / "ssimloss")
    except LookupError as error:
        sys.exit(f"snippets that do not stand exactly once in the package:\n{error}")
    numbers = chosen.only or list(files)
    unknown = [number for number in numbers if number not in files]
    if unknown:
        sys.exit(f"there are faults 1 to {len(FAULTS)}, and none {unknown}")
    if chosen.list:
        for number in numbers:
            where = files[number].relative_to(ROOT)
            print(f"{number:3d}  {FAULTS[number - 1].what}  ({where})")
        return
    outcomes = plant(numbers, files, chosen.jobs, chosen.whole)
    if chosen.json:
        rows = [dataclasses.asdict(found) for found in outcomes]
        chosen.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if chosen.markdown:
        chosen.markdown.write_text(markdown(outcomes), encoding="utf-8")
    survivors = [found.number for found in outcomes if found.found_by is None]
    print(f"{len(outcomes) - len(survivors)} of {len(outcomes)} found; survivors: {survivors}")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
