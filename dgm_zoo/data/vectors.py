"""Facts of the sets whose examples are short vectors: `uci_binary` and `patterns`, which come in configurations."""

from dgm_zoo.data.facts import Set

# Rows of train, validation and test as published, and bits.
UCI_BINARY = {
    "adult": (5_000, 1_414, 26_147, 123),
    "connect4": (16_000, 4_000, 47_557, 126),
    "dna": (1_400, 600, 1_186, 180),
    "mushrooms": (2_000, 500, 5_624, 112),
    "nips": (400, 100, 1_240, 500),
    "ocr_letters": (32_152, 10_000, 10_000, 128),
    "rcv1": (40_000, 10_000, 150_000, 150),
    "web": (14_000, 3_188, 32_561, 300),
}


def bits(name: str) -> Set:
    """One configuration of `uci_binary`: binary vectors."""
    *rows, bits = UCI_BINARY[name]
    return Set(
        version="1.0.0",
        image_shape=(bits,),
        num_classes=None,
        splits={split: (split, n) for split, n in zip(("train", "validation", "test"), rows, strict=True)},
        levels=2,
        feature="bits",
        source="splits of Larochelle and Murray (2011), the files those of H. Larochelle's MLPython",
        licence="CC BY 4.0 (UCI Machine Learning Repository)"
        if name in ("adult", "connect4", "dna", "mushrooms") else "none stated",
        builder="uci_binary",
        manual=f"{name}.npz",
    )


# How often each pattern occurs in the smallest ensemble of its frequencies; the number of rows of each split.
PATTERNS = {
    "four": (1,) * 4, "four_bits": (1,) * 4, "sixteen": (1,) * 16, "sixteen_bits": (1,) * 16, "skewed": (1, 2, 2, 4),
}
PATTERN_ROWS = {
    name: {"train": rows * 16, "validation": rows, "test": rows}
    for name, rows in {**dict.fromkeys(PATTERNS, 1_024), "skewed": 1_152, "mixed": 1_024}.items()
}


def patterns(name: str, width: int) -> Set:
    """One configuration of `patterns`."""
    mixed = name == "mixed"
    return Set(
        version="1.0.0",
        image_shape=(width,),
        num_classes=16 if mixed else len(PATTERNS[name]),
        splits={split: (split, rows) for split, rows in PATTERN_ROWS[name].items()},
        levels=None if mixed else 2,
        feature="point" if mixed else "bits",
        source="an ensemble of patterns after Schmidhuber (1992)",
        licence="made by dgm_zoo; none is needed",
        builder="patterns",
        exact=not mixed,
    )
