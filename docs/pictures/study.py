"""The page ``docs/study_of_measures.md`` and its picture, from the output of ``ssimloss study``.

``python docs/pictures/study.py STUDY`` writes both from ``STUDY/study.json``, ``STUDY/study.md``
and ``STUDY/pictures``. Every number of the text comes from the study, and every statement has a
condition. A statement that the study does not support is left out and printed.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from ssimloss import metrics

DOCS = Path(__file__).parents[1]
PAGE, SHEET = DOCS / "study_of_measures.md", DOCS / "pictures" / "study.webp"
FIRST_TABLE = "## Overview\n"
SHOWN = ("start", "reference", "l1", "ssim", "ms_ssim", "nlpd", "gmsd", "fsim", "lpips", "vmaf")
ACROSS, LABEL = 5, 18  # pictures in a row; pixels of height for a name
WIDTH = 100  # of a line
NEED_NETWORKS = ("lpips", "lpips_vgg", "dists", "adists")
ABOUT = (
    "ssim", "ms_ssim", "gmsd", "fsim", "lpips", "embedded", "vmaf", "charbonnier", "l1", "flip",
    "psnr_hvs_m", "nlpd",
)  # fmt: skip
MS_SSIM = ", probably because its finest scale has a small weight. Add a pixel loss."


class Study:
    """The numbers of a study, as the text prints them."""

    def __init__(self, found: dict[str, Any]) -> None:
        """Take the content of ``study.json``."""
        self.about: dict[str, str] = found["about"]
        self.measures: dict[str, Any] = found["measures"]
        ranks = {
            name: one["fitness"]["mean_rank"]
            for name, one in self.measures.items()
            if one["fitness"]["mean_rank"] is not None
        }
        self.losses = sorted(ranks, key=lambda name: ranks[name])
        self.images = self.about["images"].split(", ")

    def correct(self, name: str, group: str = "mean") -> float:
        """The share of correct orderings."""
        return float(self.measures[name]["orderings"][group])

    def place(self, name: str) -> int:
        """As a loss, 1 for the best."""
        return self.losses.index(name) + 1

    def rank(self, name: str) -> float:
        """The mean rank as a loss."""
        return float(self.measures[name]["fitness"]["mean_rank"])

    def ranked(self, name: str) -> str:
        """The mean rank, with its interval where there is one."""
        interval = self.measures[name]["fitness"]["interval"]
        if interval["low"] is None:
            return f"{self.rank(name):.1f}"
        return f"{self.rank(name):.1f} ({interval['low']:.1f} to {interval['high']:.1f})"

    def invented(self, name: str) -> float:
        """Mean energy at high frequencies that the reference lacks, of its energy."""
        found = [one["invented"] for one in self.measures[name]["fitness"]["descents"].values()]
        return float(sum(found) / len(found))

    def shift(self, name: str) -> float:
        """Its change under a shift by one pixel, in parts of that under visible blur."""
        return float(self.measures[name]["fitness"]["sensitivity"]["shift"])

    def has(self, *names: str) -> bool:
        """Whether all were examined, and are losses with a rank."""
        return all(name in self.losses for name in names)

    def before(self, first: str, second: str) -> int:
        """On how many photographs one loss has the better rank."""
        a, b = (self.measures[name]["fitness"]["by_image"] for name in (first, second))
        return sum(a[image] < b[image] for image in a)

    def on(self, count: int) -> str:
        """Of how many photographs a statement holds."""
        last = len(self.images)
        if last == 1:
            return "on the photograph" if count else "not on the photograph"
        if count == last:
            return f"on {'both' if last == 2 else f'all {last}'} photographs"
        return f"on {count or 'none'} of the {last} photographs"

    def first(self) -> list[tuple[str, float]]:
        """The shares of random weightings, the largest first."""
        shares = {name: one["aggregate"]["first"] for name, one in self.measures.items()}
        return sorted(shares.items(), key=lambda item: -item[1])


class Text:
    """Paragraphs whose statements hold, and the beginnings of those that were left out."""

    def __init__(self) -> None:
        """Begin without lines."""
        self.lines: list[str] = []
        self.left_out: list[str] = []
        self.in_list = False

    def heading(self, words: str) -> None:
        """A line by itself."""
        self.in_list = False
        self.lines += [words, ""]

    def say(self, words: str, *conditions: bool, item: bool = False) -> None:
        """A paragraph, or an item of a list, under its conditions."""
        if not all(conditions):
            self.left_out.append(words)
            return
        lead, rest = ("- ", "  ") if item else ("", "")
        wrapped = textwrap.wrap(
            words, WIDTH, initial_indent=lead, subsequent_indent=rest, break_on_hyphens=False
        )
        if item and self.in_list:
            self.lines.pop()  # the empty line between two items
        self.lines += [*wrapped, ""]
        self.in_list = item


def percent(share: float, digits: int = 0) -> str:
    """A share in per cent."""
    return f"{100 * share:.{digits}f} %"


def listed(names: list[str]) -> str:
    """Names in a sentence."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def not_examined(study: Study) -> str:
    """What the package has and the study lacks, with the reasons."""
    missing = sorted(set(metrics.measures.known()) - set(study.measures))
    networks = [name for name in missing if name in NEED_NETWORKS]
    rest = [name for name in missing if name not in NEED_NETWORKS]
    told = []
    if networks:
        told.append(
            f"{listed(quoted(networks))}: their networks were not installed where the study ran. "
            "[Install the networks](weights.md), and the same command examines them as well."
        )
    if rest:
        told.append(f"{listed(quoted(rest))}: they were not among the measures of this run.")
    if "lpips" in study.measures and "lpips_vgg" in missing:
        told.append("What the page finds about LPIPS holds for the AlexNet variant alone.")
    return " ".join(told)


def quoted(names: list[str]) -> list[str]:
    """Names as code."""
    return [f"`{name}`" for name in names]


def prose(study: Study, photograph: str, machine: str) -> Text:
    """Everything above the tables."""
    s, text = study, Text()
    last, images = len(s.losses), len(s.images)
    third = last / 3
    photographs = "photograph" if images == 1 else "photographs"
    text.heading(f"# {len(s.measures)} measures on {images} {photographs}")
    text.say(
        f"This page is the result of `ssimloss study` on {images} {photographs} of scikit-image "
        f"({', '.join(s.images)}), on {s.about['device']} with PyTorch {s.about['torch']}. It "
        "shows how measures order pairs of images on which everybody agrees, and what image "
        "results from minimising each measure. No human judgements were used: nothing here says "
        "how well a measure agrees with people where they differ. [How the study works](study.md)."
    )
    text.say(
        f"Times were measured on {machine}. "
        + (
            "A single photograph has no intervals: everything below describes this one."
            if images == 1
            else f"The 95 % intervals are Student's, from {images} values, one for each "
            f"photograph, and cut to the ranks from 1 to {last}. They assume values that are "
            "normal. What has no interval describes these photographs, and others may differ."
        )
    )
    missing = not_examined(s)
    text.say(f"**Not examined.** {missing}", bool(missing))
    text.heading("![One crop after 200 steps under eight losses](pictures/study.webp)")
    text.say(
        f"A crop of `{photograph}`, compressed (start), after 200 steps on its pixels under eight "
        "losses. The loss knows the reference, so that a pixel loss reaches it. The picture shows "
        "what each loss cannot see."
    )
    text.heading("## What it finds")
    together = s.about.get("measures with one vote together", "").replace("; ", " | ")
    text.say(
        f"Mean ranks are of {last} losses, 1 is the best."
        + (f" Measures that order all results alike vote together: {together}." if together else "")
    )
    if s.has("ssim"):
        equal = s.correct("ssim", "visibility")
        text.say(
            f"**SSIM** orders {percent(s.correct('ssim'))} of the pairs correctly: "
            f"{'all' if equal == 1 else percent(equal, 1)} at equal error, and "
            f"{percent(s.correct('ssim', 'shift'))} of the shifts by one pixel against blur. As a "
            f"loss it has the mean rank {s.ranked('ssim')} and adds "
            f"{percent(s.invented('ssim'), 1)} of the reference's energy at high frequencies.",
            item=True,
        )
    if s.has("ssim", "ms_ssim"):
        first = s.on(s.before("ssim", "ms_ssim"))
        more = s.invented("ms_ssim") > 2 * max(s.invented("ssim"), 0.01)
        text.say(
            f"**MS-SSIM** orders {percent(s.correct('ms_ssim'))} and has the mean rank "
            f"{s.ranked('ms_ssim')}; SSIM is before it {first}. It adds "
            f"{percent(s.invented('ms_ssim'), 1)} at high frequencies"
            f"{MS_SSIM if more else '.'}",
            item=True,
        )
    if s.has("ssim", "gmsd", "fsim"):
        gmsd, fsim = (s.on(s.before("ssim", name)) for name in ("gmsd", "fsim"))
        noisy = min(s.invented(name) for name in ("gmsd", "fsim")) > 0.1
        text.say(
            f"**GMSD** and **FSIM** order {percent(s.correct('gmsd'))} and "
            f"{percent(s.correct('fsim'))}. As the only loss they have the mean ranks "
            f"{s.ranked('gmsd')} and {s.ranked('fsim')}, with {percent(s.invented('gmsd'))} and "
            f"{percent(s.invented('fsim'))} invented energy. SSIM is before GMSD "
            f"{gmsd}, and before FSIM {fsim}."
            + (
                " One cause is probably that both compare magnitudes of gradients, so that the "
                "sign of an edge may be wrong."
                if noisy
                else ""
            ),
            item=True,
        )
    if s.has("ssim", "lpips"):
        text.say(
            f"**LPIPS** (AlexNet) orders {percent(s.correct('lpips'))}. A shift by one pixel "
            f"changes it {s.shift('lpips'):.2f} times as much as visible blur does, SSIM "
            f"{s.shift('ssim'):.2f} times. As the only loss it has the mean rank "
            f"{s.ranked('lpips')}"
            + (
                ", probably because its features hardly see the pattern that stays in the picture."
                if s.place("lpips") > 0.8 * last
                else "."
            ),
            item=True,
        )
    if s.has("embedded", "lpips"):
        alike = min(s.place("embedded"), s.place("lpips")) > 0.7 * last
        text.say(
            f"The **embedded network** orders {percent(s.correct('embedded'))} and has the mean "
            f"rank {s.ranked('embedded')} as the only loss{', low like LPIPS' if alike else ''}.",
            item=True,
        )
    if s.has("vmaf"):
        behind = [s.before(name, "vmaf") for name in s.losses if name != "vmaf"]
        text.say(
            f"**VMAF** orders {percent(s.correct('vmaf'))} and has the mean rank "
            f"{s.ranked('vmaf')}"
            f"{f': the last {s.on(images)}' if min(behind) == images else ''}. It rewards contrast "
            "beyond the reference and does not see colour. [What VMAF rewards](vmaf.md).",
            s.place("vmaf") > 0.8 * last, item=True,
        )  # fmt: skip
    text.heading("## Where it contradicts common belief")
    trusted = [name for name in s.losses if s.correct(name) > 0.98]
    good = [f"{name}, rank {s.place(name)}" for name in trusted if s.place(name) <= third]
    named = f" ({'; '.join(good)})" if good else ""
    text.say(
        f'"A measure that agrees with people is a good loss." Of the {len(trusted)} losses with '
        f"more than 98 % correct orderings, {len(good) or 'none'} "
        f"{'is' if len(good) < 2 else 'are'} in the first third of the {last} as a loss"
        f"{named}. Undisputed orderings are not people's "
        "opinions, so that this is a hint.",
        len(trusted) > 4, len(good) < len(trusted) / 2, item=True,
    )  # fmt: skip
    if s.has("charbonnier", "l1"):
        wins = s.before("charbonnier", "l1")
        text.say(
            '"Charbonnier and L1 are the same." After 200 steps the other measures prefer '
            f"Charbonnier's pictures {s.on(wins)} (mean rank {s.ranked('charbonnier')} against "
            f"{s.ranked('l1')}), probably because L1 keeps its full slope near the target.",
            wins > images / 2, s.rank("charbonnier") < s.rank("l1"), item=True,
        )  # fmt: skip
    if s.has("l1"):
        text.say(
            '"L1 is closer to what people see than L2." At equal squared error, L1 orders '
            f"{percent(s.correct('l1', 'visibility'))} of the pairs correctly, less than guessing: "
            "it counts an even shift of brightness as more than blur or noise of the same energy.",
            s.correct("l1", "visibility") < 0.3, item=True,
        )  # fmt: skip
    if {"flip", "psnr_hvs_m"} <= set(s.measures):
        text.say(
            '"FLIP and PSNR-HVS-M know what is visible." At equal squared error, '
            f"{percent(s.correct('flip', 'visibility'))} and "
            f"{percent(s.correct('psnr_hvs_m', 'visibility'))} of their orderings are correct: "
            "they rate a shift of brightness or a stretch of contrast as more visible than blur, "
            "noise or blocking. They are made for small differences at a viewing distance, and "
            "these changes are strong.",
            max(s.correct(name, "visibility") for name in ("flip", "psnr_hvs_m")) < 0.45, item=True,
        )  # fmt: skip
    if s.has("nlpd"):
        text.say(
            '"A perceptual pyramid tolerates what nobody sees." NLPD ranks a shift by one pixel '
            f"before blur of the same error in {percent(s.correct('nlpd', 'shift'))} of the cases, "
            f"although it orders {percent(s.correct('nlpd', 'visibility'))} of the distortions of "
            "equal error correctly.",
            s.correct("nlpd", "shift") < 0.5, s.correct("nlpd", "visibility") > 0.95, item=True,
        )  # fmt: skip
    shares = s.first()
    text.say(
        f"The order of the aggregate is not stable: {shares[0][0]} is first in "
        f"{percent(shares[0][1])} of all weightings of the factors, {shares[1][0]} in "
        f"{percent(shares[1][1])}.",
        shares[0][1] < 0.75, item=True,
    )  # fmt: skip
    text.say(
        "Few photographs were used, and nobody judged them. Run the study on your own images "
        "before you rely on it. Without images, `ssimloss study --out study` uses eight "
        "photographs of scikit-image."
    )
    unknown = [name for name in ABOUT if name not in s.measures]
    if unknown:
        text.left_out.append(f"everything about {listed(unknown)}, not examined")
    return text


def sheet(folder: Path, start: str) -> Image.Image:
    """Rows of named pictures of one photograph."""
    files = [
        folder / "reference.png" if name == "reference" else folder / start / f"{name}.png"
        for name in SHOWN
    ]
    pictures = [Image.open(file).convert("RGB") for file in files]
    width, height = pictures[0].size
    rows = -(-len(pictures) // ACROSS)
    whole = Image.new("RGB", (ACROSS * width, rows * (height + LABEL)), "white")
    draw = ImageDraw.Draw(whole)
    for place, (name, picture) in enumerate(zip(SHOWN, pictures, strict=True)):
        left, top = place % ACROSS * width, place // ACROSS * (height + LABEL)
        draw.text((left + 4, top + 3), name, fill="black")
        whole.paste(picture, (left, top + LABEL))
    return whole


def tables(study: str) -> str:
    """The tables of ``study.md``, without the wide one of all ranks."""
    found, _, _ = study[study.index(FIRST_TABLE) :].partition("\n## Left out\n")
    parts = found.split("\n## ")
    return "\n## ".join(part for part in parts if not part.startswith("How each measure")).rstrip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="the folder that ssimloss study has written")
    parser.add_argument("--photograph", default="chelsea", help="of the sheet of pictures")
    parser.add_argument("--start", default="compression", help="of the sheet of pictures")
    parser.add_argument(
        "--quiet", action="store_true", help="times were measured on a machine without other work"
    )
    options = parser.parse_args()
    found = Study(json.loads((options.study / "study.json").read_text(encoding="utf-8")))
    machine = f"a machine {'without' if options.quiet else 'with'} other work"
    above = prose(found, options.photograph, machine)
    below = tables((options.study / "study.md").read_text(encoding="utf-8"))
    sheet(options.study / "pictures" / options.photograph, options.start).save(
        SHEET, quality=85, method=6
    )
    PAGE.write_text("\n".join(above.lines) + "\n" + below + "\n", encoding="utf-8")
    for words in above.left_out:
        print(f"left out, since the study does not support it: {words}")
    print(f"wrote {PAGE} and {SHEET}")
