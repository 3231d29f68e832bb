"""InfoGAN on MNIST: the categorical code against the digits' classes (Chen et al., InfoGAN, 2016, section 7.2).

    dgm-zoo reproduce infogan_mnist

The paper matches each category with a class to reach an error of 5 % (recalled, not looked up); it does not say on
which images it matched. Here the matching is found on validation images and the error counted on the test images.
The weight of the information is 0.1 for all of the code. With the paper's 1 the generator of these small networks
collapsed onto one texture that carried the code in its details.
"""


def get_experiment():
    return {
        "rows": [
            {
                "name": "infogan", "label": "InfoGAN", "config": "infogan_mnist.py", "overrides": [], "metric": metric,
                "published": published, "published_source": "section 7.2, recalled" if published else None,
            }
            for metric, published in
            (("test_code_error", 0.05), ("test_frechet_distance", None), ("test_inception_score", None))
        ],
        "seeds": [0, 1],
        "quick": ["train.epochs=1", "data.limit=2000", "evaluate.limit=200"],
        "notes": [
            "Of the first seed: [each category a row, other noise in each column](infogan_mnist-noise.png), and [each "
            "category a row, the first continuous value from -1 to 1](infogan_mnist-value.png), as `dgm-zoo train` "
            "draws them.",
        ],
    }
