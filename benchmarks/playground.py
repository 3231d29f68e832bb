"""Times the playground in a browser: from the command to the page, and from a click to the picture of 16 samples.

    python benchmarks/playground.py --out=benchmarks/results/playground.json

For each preset `dgm-zoo play` is started; headless Chromium, driven by Playwright, opens the address as soon as it is
printed. Then the button "New seed" is clicked again and again; a click is answered when the page has another picture.
Needs `pip install 'dgm_zoo[play]' playwright` and Chromium.
"""

import argparse
import re
import shutil
import statistics
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
    return {
        "preset": preset, "address_seconds": round(printed, 2), "page_seconds": round(shown, 2),
        "first_samples_seconds": round(first, 2), "answer_ms": round(statistics.median(answers), 1),
        "slowest_answer_ms": round(max(answers), 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", default=PRESETS)
    parser.add_argument("--clicks", type=int, default=CLICKS)
    parser.add_argument("--out", metavar="FILE", help="where the JSON report goes (default: nowhere)")
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    machine, rows = common.machine(), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for preset in asked.presets:
            rows.append(measure(browser, preset, asked.clicks))
        browser.close()
    worst = {key: max(row[key] for row in rows) for key in ("page_seconds", "answer_ms", "slowest_answer_ms")}
    report = {
        "clicks": asked.clicks, "machine": machine, "versions": common.versions(), "rows": rows, "targets": [
            common.target("start to page, seconds", worst["page_seconds"], 8.0, at_least=False),
            common.target("answer of 16 samples, median ms", worst["answer_ms"], 200.0, at_least=False),
            common.target("slowest answer, ms", worst["slowest_answer_ms"], 200.0, at_least=False),
        ],
    }
    common.finish(report, [list(rows[0]), *([str(value) for value in row.values()] for row in rows)], asked.out)


if __name__ == "__main__":
    main()
