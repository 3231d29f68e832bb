"""CycleGAN between MNIST and USPS, without pairs or labels: classes kept, and distance to the other domain.

    dgm-zoo data prepare usps --manual_dir=FOLDER_WITH_usps.npz
    dgm-zoo reproduce cyclegan_digits

A translation is judged by the classifier of the domain that it goes to, classifier_usps or classifier_mnist, beside
images that are not translated: a translator that does nothing keeps the classes as well as they are recognised across
domains, and its Fréchet distance is that of the two domains. Nothing of the classifiers reaches training. There are no
published numbers for these two measures.
"""

WAYS = {"target": "MNIST to USPS", "source": "USPS to MNIST"}
METRICS = ("class_kept", "frechet_distance")


def row(label, metric):
    return {
        "name": "cyclegan", "label": label, "config": "cyclegan_mnist_usps.py", "overrides": [],
        "metric": f"test_{metric}", "published": None, "published_source": None,
    }


def get_experiment():
    rows = [
        row(f"{label}, {way}", f"{metric}_{key}{role}")
        for metric in METRICS for role, way in WAYS.items()
        for label, key in (("not translated", "untranslated_to_"), ("CycleGAN", "to_"))
    ]
    real = [
        row(f"real images of {name}", f"class_of_{role}") for role, name in (("source", "MNIST"), ("target", "USPS"))
    ]
    return {
        "rows": [*rows, *real],
        "seeds": [0, 1, 2],
        "quick": ["train.epochs=1", "data.limit=200", "evaluate.limit=300"],
        "notes": [
            "MNIST's digits leave a margin of 4 pixels and have thin strokes; those of USPS fill the image. The "
            "translators learn the change of size. Some classes change, as in 7 to 9 and 8 to 5 or 6, and some "
            "translations to USPS have artefacts at the border.",
            "Translations of the first seed, as `dgm-zoo train` draws them: [picture](cyclegan_digits-pairs.png).",
        ],
    }
