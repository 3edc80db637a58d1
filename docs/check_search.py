"""Checks that the search of the built site finds each guide by the words of a user.

Run ``python docs/check_search.py outputs/docs`` after ``make docs``. It needs the extra ``dev`` and
Chromium: each query is typed into the site's own search page, and the expected page must be among
the first three results.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import sys
import threading
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

FIRST = 3  # results in which the expected page must be
# What a user types -> the page that answers it.
QUERIES = {
    "replace pytorch-msssim": "howto/replace_pytorch_msssim",
    "piq migration": "howto/replace_piq",
    "kornia ssim_loss": "howto/replace_kornia",
    "torchmetrics": "howto/replace_torchmetrics",
    "fused-ssim": "howto/replace_fused_ssim",
    "replace lpips": "howto/replace_lpips",
    "basicsr": "howto/replace_basicsr",
    "mask": "howto/masks",
    "alpha channel": "howto/masks",
    "tanh output": "howto/range_minus_one_to_one",
    "16 bit": "howto/sixteen_bit",
    "offline vgg weights": "howto/vgg_offline",
    "mixed precision": "howto/amp",
    "torch.compile": "howto/compile",
    "DDP validation": "howto/ddp_validation",
    "multi-scale discriminator": "howto/multiscale_discriminators",
    "wgan-gp": "howto/wgan_gp",
    "gradient penalty": "howto/wgan_gp",
    "batchnorm": "howto/gan_batchnorm_ddp",
    "own backbone": "howto/own_backbone",
    "custom metric": "howto/own_measure",
    "gaussian splatting": "howto/gaussian_splatting",
    "3d volume": "howto/medical_volumes",
    "loss is nan": "howto/nan",
    "loss weights": "choosing_weights",
    "onnx": "howto/export",
    "psnr differs from paper": "howto/paper_table",
    "video quality": "vmaf",
}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the site without a log."""

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def handle(self) -> None:
        """Ignore connections that the browser drops when it leaves a page."""
        with contextlib.suppress(ConnectionError):
            super().handle()


def results(page: Page, address: str, query: str) -> list[str]:
    """The pages that the search lists for a query, best first."""
    page.goto(f"{address}/search.html?q={quote(query)}")
    page.wait_for_function("document.querySelector('#search-results .search-summary')")
    page.wait_for_function(
        "/found|Your search did not/.test(document.querySelector('.search-summary').innerText)"
    )
    links = page.locator("#search-results ul.search > li > a")
    found = links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    pages = [link.split("?")[0].split("#")[0].removesuffix(".html") for link in found]
    return list(dict.fromkeys(pages))  # a page is listed once for each of its headings


def main() -> None:
    """Ask every query, and exit with 1 if a page is not found."""
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/docs").resolve()
    handler = functools.partial(Quiet, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    missed = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page()
        for query, expected in QUERIES.items():
            found = results(page, f"http://127.0.0.1:{server.server_port}", query)
            first = found[:FIRST]
            if f"docs/{expected}" not in first:
                missed += 1
                place = (
                    found.index(f"docs/{expected}") + 1 if f"docs/{expected}" in found else "none"
                )
                print(f"{query!r}: {expected} is at place {place}; first: {', '.join(first)}")
        browser.close()
    server.shutdown()
    print(f"{len(QUERIES) - missed} of {len(QUERIES)} queries find their page in the first {FIRST}")
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
