"""Times the playground in a browser: from the command to the page, and from a click to the picture of 16 samples.

    python benchmarks/playground.py --out=benchmarks/results/playground.json

For each preset `dgm-zoo play` is started; headless Chromium, driven by Playwright, opens the address as soon as it is
printed. Then the button "New seed" is clicked again and again; a click is answered when the page has another picture.
Needs `pip install 'dgm_zoo[play]' playwright` and Chromium.
"""

import argparse
import re
import shutil
import subprocess
import sys
import time

import common

PRESETS = ("vae_digits", "vae_mnist", "gan_mnist", "bihm_binarized_mnist")
CLICKS = 30
OTHER = "before => document.querySelector('.prose.sample img').src !== before"


def measure(browser, preset, clicks):
    """Seconds to the address, to the page and to the first samples, and milliseconds of each answer."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "dgm_zoo.cli", "play", f"--preset={preset}", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        address = re.search(r"open (http://127\.0\.0\.1:\d+)", server.stdout.readline())[1]
        printed = time.perf_counter() - began
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        page.wait_for_selector("#model input")
        shown = time.perf_counter() - began
        page.wait_for_selector(".prose.sample img")
        first = time.perf_counter() - began
        answers = []
        for _ in range(clicks):
            before = page.locator(".prose.sample img").get_attribute("src")
            clicked = time.perf_counter()
            page.get_by_role("button", name="New seed").click()
            page.wait_for_function(OTHER, arg=before)
            answers.append(1000 * (time.perf_counter() - clicked))
        page.close()
        server.terminate()
    times = {"address_seconds": printed, "page_seconds": shown, "first_samples_seconds": first}
    return {**times, "answer_ms": common.spread(answers)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", default=PRESETS)
    parser.add_argument("--clicks", type=int, default=CLICKS)
    parser.add_argument("--out", metavar="FILE", help="where the JSON report goes (default: nowhere)")
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    machine, found = common.machine(), {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for preset in asked.presets:
            found[preset] = measure(browser, preset, asked.clicks)
        browser.close()
    answers = [one["answer_ms"] for one in found.values()]
    report = {
        "benchmark": "playground", "clicks": asked.clicks, "results": found, "targets": [
            common.target("start to page, s", max(one["page_seconds"] for one in found.values()), 8.0, at_least=False),
            common.target("median answer, ms", max(one["median"] for one in answers), 200.0, at_least=False),
            common.target("slowest answer, ms", max(one["high"] for one in answers), 200.0, at_least=False),
        ], "machine": machine, "versions": common.versions(),
    }
    rows = [("preset", "page, s", "first samples, s", "answer, ms", "slowest")]
    for preset, one in found.items():
        seconds = [f"{one[key]:.2f}" for key in ("page_seconds", "first_samples_seconds")]
        rows.append((preset, *seconds, *(f"{one['answer_ms'][key]:.0f}" for key in ("median", "high"))))
    common.finish(report, rows, asked.out)


if __name__ == "__main__":
    main()
