"""Installation. Each dependency is a deliberate choice; the reason stands beside it."""

import os
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

REQUIRED = [
    "tensorflow>=2.21,<2.22",  # the runtime; exact behaviour of XLA, replicas and export is tested on this line
    "keras>=3.15,<3.16",  # the models are Keras 3 models; its trainer's internals are relied on in one file
    "tensorflow-probability>=0.25,<0.26",  # densities, KLs: everything under dgm_zoo/distributions
    "tf-keras>=2.21,<2.22",  # TensorFlow Probability imports it; nothing here does
    "tensorflow-datasets>=4.9.10,<4.10",  # data sets by name, prepared once, read offline
    "importlib_resources>=6",  # TFDS 4.9.10 imports it in download_and_prepare without requiring it
    "filelock>=3.12",  # one process in a workdir, on every operating system, and a killed one leaves no lock
    "absl-py>=2.1",  # flags of the command line
    "ml_collections>=1.0",  # config files that can be overridden key by key
    "numpy>=1.26",
    "scikit-learn>=1.4",  # the digits that it ships need no download; PCA of latent maps, neighbours, kernels
    "scipy>=1.11",  # relative entropy in the inception score; in tests, densities to compare with
    "matplotlib>=3.8",  # curves and latent maps
    "pillow>=10.1",  # image grids, pixel by pixel; a user's JPEG and PNG files
    "pretty_midi>=0.2.11",  # MIDI files in and out, and a sine synthesiser, without a system library
    "tensorboard>=2.20",  # event files of a run
    "tensorflow-serving-api>=2.19",  # the protocol messages of TensorFlow Serving: warm-up files and the gRPC client
]
EXTRAS = {
    "hub": ["huggingface_hub>=0.26"],  # presets by hf:// address; its cache and offline switch are what users know
    "test": [
        "pytest>=8",
        "pytest-xdist>=3.6",  # tracing, most of what tests do, keeps one core busy: run one process on each
        "huggingface_hub>=0.26",  # its cache on disk, which presets are read from
        "pypianoroll>=1.0.4",  # measures of piano-rolls by MuseGAN's authors, to compare with
        "wheel>=0.40",  # the package is built and installed in a test
        "ruff>=0.8",  # lint, in continuous integration
        "ty==0.0.107",  # types; pinned, since each release may report more
    ],
    "play": [
        "gradio>=6.31,<7",  # the page of dgm-zoo play: local, and with HTML parts that take JavaScript
    ],
    "docs": [  # `mkdocs build --strict`
        "mkdocs>=1.6,<2",  # the site; its pages are Markdown, as the docstrings are
        "mkdocs-material>=9.7,<10",  # a theme that is readable on a telephone and searches without a network
        "mkdocstrings[python]>=1",  # the reference, from docstrings, without importing the package
        "latex2mathml>=3.77",  # formulas as MathML when the site is built: no script and no font to load
    ],
    "bench": [
        "torch>=2.6",  # pythae runs on it
        "pythae==0.1.2",  # the library that throughput and likelihood evaluation are compared with
        "jax>=0.6",  # training steps by hand in JAX, which ours are compared with
        "optax>=0.2.5",  # its optimizers
    ],
}

# One small preset of each family: with the configs at most 12 MB of the wheel. The repository and hubs have the others.
PRESETS = ["vae_digits", "gan_mnist", "rws_binarized_mnist", "symvae_textured_digits", "classifier_digits"]


class BuildWithFiles(build_py):
    """Puts the configs and the presets of `PRESETS`, which lie beside the package, into it: `dgm_zoo/configs`, ...

    An editable install uses those of the checkout (`dgm_zoo.serving.places`).
    """

    def run(self):
        super().run()
        for source, target in [] if self.editable_mode else self.pairs():
            self.mkpath(os.path.dirname(target))
            self.copy_file(source, target, preserve_mode=False)

    def pairs(self):
        """Returns (path in the repository, path in the build) of each file."""
        found = [path for folder in ("configs", "configs/reproduce") for path in Path(folder).glob("*.py")]
        found += [path for name in PRESETS for path in Path("saved_models", name).rglob("*") if path.is_file()]
        return [(str(path), os.path.join(self.build_lib, "dgm_zoo", path)) for path in sorted(found)]

    def get_outputs(self, include_bytecode=1):
        return super().get_outputs(include_bytecode) + [target for _, target in self.pairs()]

    def get_source_files(self):  # of a source distribution, from which a wheel can be built too
        return super().get_source_files() + [source for source, _ in self.pairs()]


setup(
    name="dgm_zoo",
    version="0.1.0",
    description="Deep generative models on Keras 3: wake-sleep, VAE, GAN and Helmholtz-machine families in one design",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.14",
    cmdclass={"build_py": BuildWithFiles},
    packages=find_packages(include=["dgm_zoo", "dgm_zoo.*"]),
    package_data={
        "dgm_zoo.core": ["xla_on_cpu.json"],  # for which models XLA is faster on CPUs
        "dgm_zoo.data": ["shipped/*"],  # the emoji and the bands, with their licences
        "dgm_zoo.play": ["web/*"],  # the page's style, and its sheet and map in JavaScript
    },
    install_requires=REQUIRED,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["dgm-zoo = dgm_zoo.cli.main:console"]},
)
