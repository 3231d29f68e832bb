"""What MkDocs calls: adds the generated pages and pictures, renders mathematics, and checks the built site."""

from pathlib import Path

import checks
import notation
import pictures
import reference
import systems
from mkdocs.structure.files import File

from dgm_zoo import models, serving

ROOT = Path(__file__).parents[2]


def on_config(config):
    """Fills the navigation's lists of systems, of rooms and of results."""
    lists = {
        "SYSTEMS": systems.navigation(), "API": reference.api_navigation(), "RESULTS": reference.results_navigation(),
    }

    def filled(pages):
        if isinstance(pages, dict):
            return {title: filled(page) for title, page in pages.items()}
        if isinstance(pages, list):
            return [one for page in pages for one in (lists[page] if str(page) in lists else [filled(page)])]
        return pages

    config.nav = filled(config.nav)
    return config


def on_files(files, config):
    """Adds the pages that have no source in docs/, and the pictures."""
    def add(path, content):
        files.append(File.generated(config, path, content=content))

    for path, text in {**reference.pages(), **systems.missing()}.items():
        add(path, text)
    for name in models.list_models():
        add(f"pictures/schematic-{name}.svg", pictures.schematic(name))
    for preset in serving.list_presets():
        if drawn := pictures.samples(preset):
            add(f"pictures/samples-{preset}.png", drawn)
    return files


def on_page_markdown(markdown, page, config, files):
    """Appends the generated part of a system's page, and puts the gallery into the landing page."""
    path = page.file.src_uri
    if path.startswith("systems/") and page.file.name in models.list_models():
        return f"{markdown}\n\n{systems.generated(page.file.name)}"
    return markdown.replace("<!-- gallery -->", systems.gallery()) if path == "index.md" else markdown


def on_page_content(html, page, config, files):
    return notation.rendered(html)


def on_post_build(config):
    """Fails the build if a link leads nowhere or a page would load anything from elsewhere."""
    checks.check(Path(config.site_dir))
