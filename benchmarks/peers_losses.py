"""The losses of the rows of `peers.py`, written once on arrays, for PyTorch and for JAX.

A loss is a function of `ops` (the few operations whose names or arguments differ between the two), the weights of each
player, a batch and noise. It is written as an expert would write it by hand for this one model: no layers, no
distributions, products shared where inputs are, only what the step needs. Both compilers see nothing but these
operations. Images are `[batch, height, width, channels]`; in PyTorch that is its `channels_last` order.

Weights are lists in the order and layout of dgm_zoo's networks (`peers_zoo.py` writes them), so that a network reads
them one after the other. `SYSTEMS` names, for each system, the phases of a step: (player that moves, its loss).
"""

import math

LOG_2_PI = math.log(2 * math.pi)
SLOPE, EPSILON = 0.2, 1e-5
ACTIVATIONS = {"relu": lambda ops: ops.relu, "tanh": lambda ops: ops.tanh}

# ------------------------------------------------------------------------------------------ parts


def dense(w, h):
    return h @ next(w) + next(w)


def perceptron(ops, w, h, layers, activation):
    """A perceptron of so many hidden layers."""
    for _ in range(layers):
        h = activation(dense(w, h))
    return dense(w, h)


def conditioned(w, h, classes):
    """A dense layer of h `[..., batch, features]` beside each class's one-hot vector: `[classes, batch, units]`."""
    kernel, bias = next(w), next(w)
    return h @ kernel[:-classes] + (kernel[-classes:] + bias)[:, None]


def normalised(ops, w, h, moments):
    """Batch normalisation over all axes but the last; appends the batch's mean and variance to `moments`."""
    rows = h.reshape(-1, h.shape[-1])
    mean, square = rows.mean(0), (rows * rows).mean(0)
    variance = ops.relu(square - mean * mean)
    moments.append((mean, variance))
    scale = next(w) * ops.rsqrt(variance + EPSILON)
    return h * scale + (next(w) - mean * scale)


def leaky(ops, h):
    return ops.maximum(h, SLOPE * h)


def bernoulli(ops, x, logits):
    """log p(x), summed over the last axis."""
    return (x * logits - ops.softplus(logits)).sum(-1)


def normal(ops, params):
    """Mean, standard deviation of a posterior."""
    mean, raw = ops.halves(params)
    return mean, ops.softplus(raw) + 1e-4


def kl(ops, mean, stddev):
    """KL of a normal to the standard normal, summed over the last axis."""
    return (0.5 * (mean * mean + stddev * stddev - 1.0) - ops.log(stddev)).sum(-1)


def log_normal(ops, z, mean, stddev):
    return (-0.5 * ((z - mean) / stddev) ** 2 - ops.log(stddev) - 0.5 * LOG_2_PI).sum(-1)


def log_standard_normal(z):
    return (-0.5 * z * z - 0.5 * LOG_2_PI).sum(-1)


# ------------------------------------------------------------------------------------------ evidence bounds


def encoded(ops, w, batch, spec):
    """Mean and standard deviation of q(z|x); x is flat for a perceptron."""
    x = batch["x"]
    if spec["network"] == "dense":
        h = x.reshape(x.shape[0], -1)
        return normal(ops, perceptron(ops, w, h, len(spec["hidden"]), ACTIVATIONS[spec["activation"]](ops)))
    for _ in spec["hidden"]:
        x = ops.relu(ops.conv(x, next(w), (2, 2), 1) + next(w))
    return normal(ops, perceptron(ops, w, x.reshape(x.shape[0], -1), 1, ops.relu))


def decoded(ops, w, z, spec):
    """Logits of p(x|z), flat."""
    if spec["network"] == "dense":
        return perceptron(ops, w, z, len(spec["hidden"]), ACTIVATIONS[spec["activation"]](ops))
    side = spec["side"] >> len(spec["hidden"])
    h = ops.relu(dense(w, ops.relu(dense(w, z)))).reshape(-1, side, side, spec["hidden"][-1])
    for i in range(len(spec["hidden"])):
        h = ops.conv_transposed(h, next(w), (2, 2), 1) + next(w)
        h = ops.relu(h) if i + 1 < len(spec["hidden"]) else h
    return h.reshape(h.shape[0], -1)


def flat(batch):
    return batch["x"].reshape(batch["x"].shape[0], -1)


def vae(ops, weights, batch, noise, spec, moments):
    w = iter(weights["all"])
    mean, stddev = encoded(ops, w, batch, spec)
    logits = decoded(ops, w, mean + stddev * noise["eps"], spec)
    return (kl(ops, mean, stddev) - bernoulli(ops, flat(batch), logits)).mean()


def log_weights(ops, weights, batch, noise, spec):
    """log p(x, z_k) / q(z_k|x), `[k, batch]`."""
    w = iter(weights["all"])
    mean, stddev = encoded(ops, w, batch, spec)
    eps = noise["eps"]
    z = mean + stddev * eps
    log_q = (-0.5 * eps * eps).sum(-1) - (ops.log(stddev) + 0.5 * LOG_2_PI).sum(-1)  # (z - mean) / stddev is eps
    return bernoulli(ops, flat(batch), decoded(ops, w, z, spec)) + log_standard_normal(z) - log_q


def iwae(ops, weights, batch, noise, spec, moments):
    log_w = log_weights(ops, weights, batch, noise, spec)
    return -(ops.logsumexp(log_w) - math.log(log_w.shape[0])).mean()


def svae(ops, weights, batch, noise, spec, moments):
    w, classes = iter(weights["all"]), spec["classes"]
    activation, layers = ACTIVATIONS[spec["activation"]](ops), len(spec["hidden"])
    x, label = flat(batch), batch["label"]
    h = activation(conditioned(w, x, classes))
    mean, stddev = normal(ops, perceptron(ops, w, h, layers - 1, activation))
    h = activation(conditioned(w, mean + stddev * noise["eps"], classes))
    bound = bernoulli(ops, x, perceptron(ops, w, h, layers - 1, activation)) - kl(ops, mean, stddev)  # [classes, batch]
    log_q = ops.log_softmax(perceptron(ops, w, x, layers, activation))
    known = (label >= 0)[:, None]
    one_hot = ops.one_hot(ops.maximum(label, 0 * label), classes)
    q = ops.where(known, one_hot, ops.exp(log_q))
    objective = (q * (bound.T - ops.where(known, 0.0 * log_q, log_q) - math.log(classes))).sum(-1)
    taught = (one_hot * log_q).sum(-1) * known[:, 0]
    return -(objective + spec["alpha"] * batch["rate"] * taught).mean()


# ------------------------------------------------------------------------------------------ Helmholtz machines


def bihm(ops, weights, batch, noise, spec, moments):
    p, q, x = iter(weights["theta"]), iter(weights["eta"]), flat(batch)
    levels, log_q, start = [x], 0.0, 0
    for size in spec["sizes"][1:]:
        logits = dense(q, levels[-1])  # of the first level for all k samples at once, since x is the same
        bits = ops.constant(noise["uniform"][..., start : start + size] < ops.sigmoid(logits))
        log_q = log_q + bernoulli(ops, bits, logits)
        levels.append(bits)
        start += size
    log_p = bernoulli(ops, levels[-1], next(p))
    for above, below in zip(levels[:0:-1], levels[-2::-1], strict=True):
        log_p = log_p + bernoulli(ops, below, dense(p, above))
    log_w = ops.held(0.5 * (log_p - log_q))
    share = ops.softmax(log_w)
    return -(share * log_p + (share - 1.0 / log_w.shape[0]) * log_q).sum(0).mean()


# ------------------------------------------------------------------------------------------ adversarial games


def dcgan_generator(ops, weights, z, spec, moments):
    w, filters, side = iter(weights), spec["hidden"], spec["side"] >> len(spec["hidden"])
    h = ops.relu(normalised(ops, w, z @ next(w), moments))
    h = (h @ next(w)).reshape(-1, side, side, filters[-1])
    h = ops.relu(normalised(ops, w, h, moments))
    for _ in filters[1:]:
        h = ops.relu(normalised(ops, w, ops.conv_transposed(h, next(w), (2, 2), 1), moments))
    return ops.sigmoid(ops.conv_transposed(h, next(w), (2, 2), 1) + next(w))


def dcgan_discriminator(ops, weights, x, spec, moments):
    w = iter(weights)
    h = leaky(ops, ops.conv(x, next(w), (2, 2), 1) + next(w))
    for _ in spec["hidden"][1:]:
        h = leaky(ops, normalised(ops, w, ops.conv(h, next(w), (2, 2), 1), moments))
    h = leaky(ops, normalised(ops, w, h.reshape(h.shape[0], -1) @ next(w), moments))
    return dense(w, h)[:, 0]


def gan_phi(ops, weights, batch, noise, spec, moments):
    x = ops.held(dcgan_generator(ops, weights["theta"], noise["z"], spec, []))
    real = dcgan_discriminator(ops, weights["phi"], batch["x"], spec, moments)
    fake = dcgan_discriminator(ops, weights["phi"], x, spec, moments)
    return (ops.softplus(-real) + ops.softplus(fake)).mean()


def gan_theta(ops, weights, batch, noise, spec, moments):
    x = dcgan_generator(ops, weights["theta"], noise["z_again"], spec, moments)
    return ops.softplus(-dcgan_discriminator(ops, weights["phi"], x, spec, [])).mean()


# ------------------------------------------------------------------------------------------ MuseGAN


def temporal(ops, w, z, bars, moments):
    """z `[batch, latent]` to `[batch, bars, latent]`: two transposed convolutions, the first of one step."""
    kernel = next(w)  # [2, width, latent]
    h = (z @ kernel.reshape(-1, kernel.shape[-1]).T).reshape(-1, 2, kernel.shape[1])
    h = ops.relu(normalised(ops, w, h, moments))
    kernel = next(w)  # [bars - 1, latent, width]
    parts = (h @ kernel.reshape(-1, kernel.shape[-1]).T).reshape(-1, 2, bars - 1, kernel.shape[1])
    h = ops.padded(parts[:, 0], 0, 1) + ops.padded(parts[:, 1], 1, 0)
    return ops.relu(normalised(ops, w, h, moments))


def blocks(w, h, rows, columns):
    """A transposed convolution whose windows do not overlap: `[n, rows * height, columns * width, filters]`."""
    kernel = next(w)
    n, height, width, channels = h.shape
    found = h @ kernel.reshape(-1, channels).T
    return found.reshape(n, height * rows, width * columns, kernel.shape[2])


def musegan_generator(ops, weights, z, spec, moments):
    """z `[batch, parts]` to probabilities `[batch, bars, steps, pitches, tracks]`."""
    w, (bars, steps, pitches, tracks) = iter(weights), spec["shape"]
    size, latent = spec["noise"] // 4, []
    parts = [z[:, i * size : (i + 1) * size] for i in range(2 * (1 + tracks))]
    for constant, varying in zip(parts[::2], parts[1::2], strict=True):
        repeated = ops.repeated(constant[:, None], bars)
        latent.append(ops.joined([repeated, temporal(ops, w, varying, bars, moments)]))
    found = []
    for own in latent[1:]:
        h = ops.joined([latent[0], own]).reshape(-1, 4 * size)
        h = ops.relu(normalised(ops, w, h @ next(w), moments)).reshape(h.shape[0], 2, 1, -1)
        while h.shape[1] < steps:
            h = ops.relu(normalised(ops, w, blocks(w, h, 2, 1), moments))
        h = ops.relu(normalised(ops, w, blocks(w, h, 1, pitches // 12), moments))
        found.append(blocks(w, h, 1, 12) + next(w))
    return ops.sigmoid(ops.joined(found)).reshape(-1, bars, steps, pitches, tracks)


def musegan_critic(ops, weights, x, spec):
    """Phrases to values `[batch]`."""
    w, (bars, steps, pitches, tracks) = iter(weights), spec["shape"]
    h = x.reshape(-1, steps, pitches, tracks)
    halvings = min(2, (steps // 8).bit_length() - 1)
    for rows, columns in [(1, 12), (1, pitches // 12), *[(2, 1)] * halvings]:  # windows that do not overlap
        kernel = next(w)
        n, height, width, channels = h.shape
        h = h.reshape(n, height // rows, width // columns, rows * columns * channels)
        h = leaky(ops, h @ kernel.reshape(h.shape[-1], -1) + next(w))
    for _ in range(2):
        h = leaky(ops, ops.conv(h, next(w), (2, 1), 0) + next(w))
    h = h.reshape(-1, bars, h.shape[1] * h.shape[3])
    for _ in range(2):
        kernel = next(w)
        taps = kernel.shape[0]
        windows = ops.joined([h[:, i : h.shape[1] - taps + 1 + i] for i in range(taps)])
        h = leaky(ops, windows @ kernel.reshape(-1, kernel.shape[-1]) + next(w))
    return dense(w, leaky(ops, dense(w, h.reshape(h.shape[0], -1))))[:, 0]


def musegan_phi(ops, weights, batch, noise, spec, moments):
    real = batch["x"]
    fake = ops.held(musegan_generator(ops, weights["theta"], noise["z"], spec, []))
    value = lambda x: musegan_critic(ops, weights["phi"], x, spec)  # noqa: E731
    mix = noise["mix"].reshape(-1, 1, 1, 1, 1)
    slope = ops.gradient(lambda x: value(x).sum())(mix * real + (1.0 - mix) * fake)
    squared = (slope * slope).reshape(slope.shape[0], -1).sum(-1)
    penalty = (ops.sqrt(ops.maximum(squared, 0.0 * squared + 1e-12)) - 1.0) ** 2
    return (value(fake) - value(real) + 10.0 * penalty).mean()


def musegan_theta(ops, weights, batch, noise, spec, moments):
    x = musegan_generator(ops, weights["theta"], noise["z_again"], spec, moments)
    return -musegan_critic(ops, weights["phi"], x, spec).mean()


SYSTEMS = {
    "vae": [("all", vae)],
    "iwae": [("all", iwae)],
    "svae": [("all", svae)],
    "bihm": [("both", bihm)],
    "gan": [("phi", gan_phi), ("theta", gan_theta)],
    "musegan": [("phi", musegan_phi), ("theta", musegan_theta)],
}


def moving(weights, player):
    """The players whose weights move in the phase of `player`: all of them for "both"."""
    return list(weights) if player == "both" else [player]


def noise_shapes(spec):
    """The noise of one step: name to (kind, shape)."""
    rows, system = spec["batch"], spec["system"]
    if system in ("vae", "svae"):
        return {"eps": ("normal", [rows, spec["latent"]])}
    if system == "iwae":
        return {"eps": ("normal", [spec["k"], rows, spec["latent"]])}
    if system == "bihm":
        return {"uniform": ("uniform", [spec["k"], rows, sum(spec["sizes"][1:])])}
    twice = {"z": ("normal", [rows, spec["z"]]), "z_again": ("normal", [rows, spec["z"]])}
    return {**twice, "mix": ("uniform", [rows])} if system == "musegan" else twice
