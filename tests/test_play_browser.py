"""The playground in a real browser: a server of its own, and headless Chromium driven by Playwright."""

import importlib.util
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dgm_zoo.play import exhibits, show

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = [name for name in ("gradio", "playwright") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"missing: {', '.join(MISSING)}; pip install 'dgm_zoo[play]' playwright"),
    pytest.mark.skipif(CHROMIUM is None, reason="missing: Chromium, as the distribution has it"),
]
PRESET, MACHINE, USERS = "vae_digits", "bihm_mushrooms", 10
PATIENCE = 180_000  # milliseconds, on a machine that does other things too


@pytest.fixture(scope="module")
def address():
    """The address of `dgm-zoo play`, which is stopped as a person stops it."""
    command = [sys.executable, "-m", "dgm_zoo.cli", "play", f"--preset={PRESET}", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        yield re.search(r"open (http://127\.0\.0\.1:\d+)", server.stdout.readline())[1]
        server.terminate()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser, address):
    """A page with the first samples, and the list of what it asks of other machines."""
    page, outside = browser.new_page(viewport={"width": 1200, "height": 1000}), []
    page.set_default_timeout(PATIENCE)
    page.on("request", lambda one: outside.append(one.url) if not one.url.startswith(
        (address, "data:", "blob:", address.replace("http", "ws"))) else None)
    page.goto(address)
    page.wait_for_selector(".prose.sample img")
    return page, outside


def choose(page, box, name):
    page.locator(f"#{box} input").click()
    page.get_by_role("option", name=name, exact=True).click()
    page.wait_for_selector(f"h2:text-is('{name}')")


def drag(page, where, *points):
    """Presses the pointer at the first place, in shares of width and height, and drags it through the others."""
    box = page.locator(where).first.bounding_box()
    places = [(box["x"] + a * box["width"], box["y"] + b * box["height"]) for a, b in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def changed(page, where, before):
    """Waits until the HTML of an answer is another; returns it."""
    script = "([where, before]) => document.querySelector(where).innerHTML !== before"
    page.wait_for_function(script, arg=[where, before])
    return page.locator(where).inner_html()


def samples(exhibit, seed):
    return show.answer(exhibit, exhibit.ask("sample", 16, seed))


def test_a_person_samples_drags_draws_completes_switches_and_errs(browser, address, tmp_path):
    page, outside = opened(browser, address)
    exhibit = exhibits.Collection().open(PRESET)

    first = page.locator(".prose.sample img").get_attribute("src")
    assert first in samples(exhibit, 0)
    before = page.locator(".prose.sample").inner_html()
    page.get_by_role("button", name="New seed").click()
    changed(page, ".prose.sample", before)
    assert page.locator(".prose.sample img").get_attribute("src") in samples(exhibit, 1)

    page.get_by_role("tab", name="Code z").click()
    before = page.locator(".prose.code").inner_html()
    drag(page, ".plane .map", (0.5, 0.5), (0.9, 0.1))
    changed(page, ".prose.code", before)

    page.get_by_role("tab", name="Draw", exact=True).click()
    before = page.locator(".prose.answers").inner_html()
    page.get_by_role("button", name="Clear").click()
    before = changed(page, ".prose.answers", before)
    drag(page, ".sheet canvas", (0.2, 0.2), (0.8, 0.2), (0.4, 0.9))
    drawn = changed(page, ".prose.answers", before)
    assert "Reconstruction" in drawn and "nats" in drawn

    Image.fromarray(np.zeros((64, 64, 3), "uint8")).save(tmp_path / "photograph.png")
    page.locator("input[type=file]").first.set_input_files(tmp_path / "photograph.png")
    said = page.wait_for_selector(".note [role=alert]").inner_text()
    assert said == "encode: x has shape [1, 64, 64, 3], but this model takes [batch, 8, 8, 1]"

    choose(page, "model", MACHINE)
    page.get_by_role("tab", name="Draw", exact=True).click()
    page.get_by_role("button", name="Hide").click()
    drag(page, ".sheet canvas", (0.1, 0.8), (0.9, 0.8))
    page.wait_for_selector(".prose.answers img")
    assert "Completion" in page.locator(".prose.answers").inner_text()

    choose(page, "beside", PRESET)
    assert page.locator(".exhibit").count() == 2
    assert outside == []
    page.close()


def test_ten_people_at_once_get_the_answer_to_their_own_seed(browser, address):
    exhibit = exhibits.Collection().open(PRESET)
    pages = [opened(browser, address)[0] for _ in range(USERS)]
    wanted = [re.search(r"src='([^']*)'", samples(exhibit, 100 + i))[1] for i in range(USERS)]
    for i, page in enumerate(pages):  # nobody waits for another's answer
        page.locator("#seed input").fill(str(100 + i))
    for page, src in zip(pages, wanted, strict=True):
        page.wait_for_function("src => document.querySelector('.prose.sample img').src === src", arg=src)
        page.close()
    assert len(set(wanted)) == USERS
