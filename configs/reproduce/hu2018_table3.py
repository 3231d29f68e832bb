"""Bounds on MNIST with and without adversary activation (Hu et al., On Unifying Deep Generative Models, 2018, Table 3).

    dgm-zoo reproduce hu2018_table3

The percentage is the share of the training images for VAE and CVAE, and of the labels for SVAE. The paper's networks,
pixel values and optimizer are not known, so only differences are comparable: the two rows of a pair have the same
config except for the model's name, hence the same networks, initial weights, images and number of steps; the activated
model has phi in addition.
"""

TABLE_3 = "the paper's Table 3, one run"
ADAM = {"name": "adam", "learning_rate": 3e-3}
ADAMW = {"name": "adamw", "learning_rate": 3e-3, "weight_decay": 0.1}
NEAR = 3.0  # nats that a bound of an activated model may lie below the published one
PHI = {"players": {"phi": {"learning_rate": 1e-4}}}

CONVOLUTIONAL = {  # optimizer, epochs and seeds of the rows with convolutional networks
    ("vae", "1"): (ADAMW, 75, [0, 1, 2, 3, 4]), ("vae", "10"): (ADAM, 40, [0, 1, 2, 3, 4]),
    ("cvae", "1"): (ADAMW, 75, [0, 1, 2]), ("cvae", "10"): (ADAM, 40, [0, 1, 2]),
}

# Images, batch size and epochs. With fewer images there are more epochs; the best epoch is chosen on validation images.
SIZES = {"1": (550, 20, 150), "10": (5500, 50, 40), "100": (55000, 100, 10)}
BOUNDS = {
    ("vae", "1"): -122.89, ("aavae", "1"): -122.15, ("cvae", "1"): -125.44, ("aacvae", "1"): -122.88,
    ("vae", "10"): -104.49, ("aavae", "10"): -103.05, ("cvae", "10"): -102.63, ("aacvae", "10"): -101.63,
    ("vae", "100"): -92.53, ("aavae", "100"): -92.42, ("cvae", "100"): -93.16, ("aacvae", "100"): -92.75,
    ("svae", "1"): -108.22, ("aasvae", "1"): -107.61, ("svae", "10"): -99.44, ("aasvae", "10"): -98.81,
}
ACCURACIES = {
    ("svae", "1"): 0.9412, ("aasvae", "1"): 0.9425, ("svae", "10"): 0.9768, ("aasvae", "10"): 0.9797,
    ("svae", "100 labels"): 0.8803,
}
LABELS = {"1": ["data.labelled_fraction=0.01"], "10": ["data.labelled_fraction=0.1"],
          "100 labels": ["data.labelled_fraction=None", "data.labels_per_class=10"]}
NAMES = {"vae": "VAE", "cvae": "CVAE", "svae": "SVAE", "aavae": "AA-VAE", "aacvae": "AA-CVAE", "aasvae": "AA-SVAE"}


def row(model, amount, config, overrides, metric, published, source):
    share = f"{amount} %" if amount.isdigit() else amount
    optimizer = {**ADAM, **PHI} if model.startswith("aa") else ADAM
    found = {
        "name": f"{model}_{amount.replace(' ', '_')}", "label": f"{NAMES[model]}, {share}", "config": config,
        "overrides": [f"model.name={model}", f"train.optimizer={optimizer}", *overrides],
        "metric": metric, "published": published, "published_source": source,
    }
    if not model.startswith("aa"):
        return found
    best = (model.removeprefix("aa"), amount) not in CONVOLUTIONAL and metric == "test_elbo"
    return {**found, "against": found["name"].removeprefix("aa"), **(near(published) if best else {})}


def near(published):
    return {"goal": {"least": round(published - NEAR, 2)}}


def of_images(model, amount):
    images, batch, epochs = SIZES[amount]
    size = [f"data.limit={images}", f"data.batch_size={batch}", f"train.epochs={epochs}"]
    return row(model, amount, "aavae_mnist.py", size, "test_elbo", BOUNDS[model, amount], TABLE_3)


def convolutional(base, amount):
    """The base, the activated model, and one whose generated images all have the same weight, in one setting."""
    images, batch, _ = SIZES[amount]
    optimizer, epochs, seeds = CONVOLUTIONAL[base, amount]
    activated = {**optimizer, "players": {"phi": {"learning_rate": 1e-3}}}
    found = []
    for key, label, model, settings, more in (
        ("", "", base, optimizer, []), ("aa", "AA-", f"aa{base}", activated, []),
        ("constant_", "constant weights, AA-", f"aa{base}", activated, ["model.weighting=constant"]),
    ):
        published = None if key == "constant_" else BOUNDS[model, amount]
        found.append({
            "name": f"{key}{base}_conv_{amount}", "label": f"{label}{NAMES[base]}, convolutional, {amount} %",
            "config": "aavae_mnist.py", "overrides": [
                f"model.name={model}", f"train.optimizer={settings}", "model.network=conv", "model.hidden=[16,32]",
                f"data.limit={images}", f"data.batch_size={batch}", f"train.epochs={epochs}", "evaluate.num_samples=10",
                *more,
            ],
            "metric": "test_elbo", "published": published, "published_source": published and TABLE_3, "seeds": seeds,
            **(near(published) if published else {}),
            **({"against": f"{base}_conv_{amount}"} if key else {}),
        })
    return found


def constant(base, amount):
    """The activated model of `of_images`, but all its generated images have the same weight."""
    described = of_images(f"aa{base}", amount)
    return {
        "name": f"constant_{base}_{amount}", "label": f"constant weights, {described['label']}",
        "config": described["config"], "overrides": [*described["overrides"], "model.weighting=constant"],
        "metric": described["metric"], "published": None, "published_source": None, "against": f"{base}_{amount}",
    }


def of_labels(model, amount, metric):
    numbers, source = (BOUNDS, TABLE_3) if metric == "test_elbo" else (ACCURACIES, "the paper's Table 2, one run")
    source = "Kingma et al., 2014, recalled" if amount == "100 labels" else source
    published = numbers.get((model, amount))
    return row(
        model, amount, "svae_mnist.py", LABELS[amount], metric, published, None if published is None else source
    )


def of_labels_alone():
    """The SVAE's classifier on as many labelled images, and no others."""
    return {
        "name": "classifier_1", "label": "classifier of SVAE alone, 1 %", "config": "classifier_mnist.py",
        "overrides": [
            "model.filters=[8, 16]", "model.hidden=128", "data.binarize=stochastic", "data.limit=550",
            "data.batch_size=10", "train.epochs=30", "train.steps_per_execution=10",
        ],
        "metric": "test_accuracy", "published": None, "published_source": None,
    }


def get_experiment():
    return {
        "rows": [
            *(of_images(aa + base, amount) for base in ("vae", "cvae") for amount in SIZES for aa in ("", "aa")),
            *(
                of_labels(aa + "svae", amount, metric) for metric in ("test_elbo", "test_accuracy")
                for amount in ("1", "10") for aa in ("", "aa")
            ),
            of_labels("svae", "100 labels", "test_accuracy"),
            of_labels_alone(),
            *(one for which in CONVOLUTIONAL for one in convolutional(*which)),
            *(constant(base, amount) for base in ("vae", "cvae") for amount in ("1", "10")),
        ],
        "seeds": [0, 1, 2],
        "quick": [
            "train.epochs=1", "data.limit=2000", "data.batch_size=100", "evaluate.limit=200", "evaluate.num_samples=2",
        ],
        "notes": [
            "`test elbo` is the plain bound, without weights. For an SVAE it sums over the classes and uses no labels "
            "of test images.",
            "The percentages refer to the 55,000 training images: 550, 5,500 and all. The last 5,000 of MNIST's "
            "60,000 images are for validation.",
            "Each seed has its own initial weights, order, binarisation and choice of labels, the same for both rows "
            "of a pair. The 550 and 5,500 images are the first of MNIST for every seed.",
            "Networks, z, learning rates and alpha were chosen on validation images, the number of epochs by the "
            "available time; the configs state which and why.",
            "The convolutional rows have networks of 16 and 32 filters and a rate of 1e-3 for phi, and at 1 % AdamW "
            "with a weight decay of 0.1 and 75 epochs. They were chosen by the validation bound of one run each: at "
            "1 % the VAE's was -142.4 with the dense networks, -128.6 with these, -129.9 with twice the filters and "
            "-128.3 with AdamW, the AA-VAE's -133.9 with phi at 1e-4 and -130.4 with 1e-3. All bounds of these rows "
            "are within 3 nats of the published ones or better, but for the AA-VAE at 1 %, 3.8 nats.",
            "With fully connected networks activation improves the bound when training images are few (1 % and 10 %), "
            "but not with all of them, where the activated CVAE is worse. With the convolutional networks, whose "
            "bounds are 12 to 20 nats better, it makes the bound worse by 1 to 2.4 nats, and leaves the CVAE at 1 % as "
            "it was. So the gain is that of networks which learn too much of few images.",
            "Constant weights, 1/2 for every image, tell the two effects of activation apart. Generated images alone "
            "help the fully connected VAE at 1 %, by 8 nats, and the CVAE there by 1.3, within twice its standard "
            "error; they make the bound worse, by 2 to 6 nats, in the other rows, but for the convolutional ones at "
            "1 %, whose differences are within twice theirs. The weights of q_phi give a better mean than constant "
            "ones in every pair of rows: by 3 to 8 nats, at 1 % with convolutional networks by less than 1.",
            "Activation does not improve the SVAE, which learns p(x|z, c) from all images regardless of the number of "
            "labels, and makes it worse with 10 % labels.",
            "The size of the gain depends on the settings. Earlier runs of VAE and AA-VAE with one seed (Adam 1e-3, "
            "50 latents, twice the epochs) reached -132.5 and -130.1 at 1 %, -113.4 and -114.6 at 10 %, -106.0 and "
            "-106.1 with all images. The rate 3e-3 was chosen because it learns more in few epochs; at 1 % it suits "
            "the VAE less.",
            "phi was uncertain in every run with fully connected networks: at the end the mean of q(y=1|x) was 0.58 to "
            "0.74 on test images and 0.25 to 0.36 on generated ones.",
            "The accuracy with 100 labels is above the published one of M2 (11.97 +- 1.71 % error, quoted from "
            "memory): our classifier is a LeNet with dropout, theirs is fully connected.",
            "Pictures for SVAE, 1 %, seed 0: [samples, one class per row, one style per "
            "column](hu2018_table3-classes.png), and [test images in their style as every "
            "class](hu2018_table3-styles.png).",
        ],
    }
