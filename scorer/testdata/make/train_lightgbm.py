#!/usr/bin/env python3
"""Trains the small LightGBM models that the tests of package scorer read, with the installed version of the library.

    ./train_forests.sh            # all versions of LightGBM and XGBoost, each in a virtual environment of its own

A model NAME gives three files in testdata/lightgbm/VERSION.zip:

    NAME.txt   the model as LightGBM saves it, without its parameters
    NAME.raw   the untransformed output of the library for the rows: float64, little endian, output after output of a row
    NAME.out   the transformed output of the library, likewise

rows.f32 holds the rows, which all models share: float32, little endian, WIDTH values each. LightGBM puts its thresholds between the
values of the training rows: the model "neighbours" has rows of its own, rows-neighbours.f32, whose feature 0 is a float32 next to
another, so that only the comparison in double tells them apart.

The formula for cross_entropy_lambda is log(1+exp(x)) in releases 2.3.1, 3.0.0, 3.1.1 and 3.2.1, of which the sum was rounded, and
log1p(exp(x)) in 3.3.0, 3.3.1, 3.3.5, 4.0.0 and 4.6.0: this was found out by their answers to one file.
"""

import sys

import lightgbm
import numpy as np

import archive

WIDTH = 8
ROWS = 200
INF = np.float32(np.inf)


files = {}  # of the archive


def put(name, data):
    files[name] = data


def table(rng, rows):
    """Features 0 to 2 on a coarse grid, 3 mostly zero, 4 a small category, 5 wide in scale, 6 a large category, 7 with gaps."""
    x = np.empty((rows, WIDTH), np.float32)
    x[:, :3] = np.round(rng.normal(size=(rows, 3)) * 16) / 16
    x[:, 3] = np.where(rng.random(rows) < 0.6, 0, np.round(rng.normal(size=rows) * 8) / 8)
    x[:, 4] = rng.integers(0, 12, rows)
    x[:, 5] = rng.normal(size=rows) * 10.0 ** rng.integers(-30, 30, rows)
    x[:, 6] = rng.integers(0, 300, rows)
    x[:, 7] = np.where(rng.random(rows) < 0.3, np.nan, np.round(rng.normal(size=rows) * 4) / 4)
    return x


def hostile(rng):
    """Rows for scoring: the first half as in training, the rest with the odd values in random places."""
    x = table(rng, ROWS)
    odd = np.array([np.nan, INF, -INF, 0, -0.0, 1e-45, -1e-45, 1e-35, -1e-35, 1.0000001e-35, 2e-38, 3.4028235e38, -3.4028235e38,
                    -1, -0.5, 0.5, 11.5, 12, 31, 32, 299, 300, 1000, 16777216, 2147483648, 1e10], np.float32)
    for i in range(ROWS // 2, ROWS):
        for j in range(WIDTH):
            if rng.random() < 0.4:
                x[i, j] = odd[rng.integers(len(odd))]
    x[ROWS - 1] = np.nan
    x[ROWS - 2] = 0
    return x


def target(rng, x):
    v = np.nan_to_num(x[:, 0] * 2 + np.sin(x[:, 1] * 3) + (x[:, 3] > 0) + (x[:, 4] % 3) - (x[:, 6] % 7 == 2) * 2
                      + np.isnan(x[:, 7]) + np.sign(x[:, 5]) * 0.3)
    return v + rng.normal(size=len(v)) * 0.5


def bare(text):
    """Drops the training parameters: they differ between versions and no reader needs them."""
    head, _, tail = text.partition("\nparameters:")
    rest = tail.partition("end of parameters\n")[2]
    return head + "\n" + rest


def save(name, booster, rows):
    text = bare(booster.model_to_string())
    # What counts is what the library says of the file, not of the model in memory.
    loaded = lightgbm.Booster(model_str=text)
    put(name + ".txt", text.encode())
    for kind, raw in (("raw", True), ("out", False)):
        answer = np.asarray(loaded.predict(rows, raw_score=raw), "<f8")
        put(f"{name}.{kind}", answer.tobytes())


def main():
    rng = np.random.default_rng(20260401)
    x = table(rng, 2000)
    rows = hostile(rng)
    put("rows.f32", rows.astype("<f4").tobytes())
    y = target(rng, x)
    binary = (y > np.median(y)).astype(float)
    classes = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    count = np.floor(np.exp(y / 4) * 2)
    positive = np.exp(y / 3)
    unit = 1 / (1 + np.exp(-y))
    plain = np.nan_to_num(x)
    major = int(lightgbm.__version__.split(".")[0])

    def fit(name, label, features=x, rounds=8, categorical=(), params=None, **data):
        settings = dict(num_leaves=15, learning_rate=0.2, min_data_in_leaf=10, verbose=-1, num_threads=1, seed=7,
                        deterministic=True, force_row_wise=True)
        settings.update(params or {})
        pool = lightgbm.Dataset(features, label, categorical_feature=list(categorical), free_raw_data=False, **data)
        save(name, lightgbm.train(settings, pool, rounds), rows)

    both = (4, 6)
    fit("binary", binary, params=dict(objective="binary"))
    fit("binary-sigmoid", binary, params=dict(objective="binary", sigmoid=0.7))
    fit("missing-none", y, plain, params=dict(objective="regression"))
    fit("missing-zero", y, params=dict(objective="regression", zero_as_missing=True))
    fit("missing-disabled", y, params=dict(objective="regression", use_missing=False))
    fit("categorical", y, categorical=both, params=dict(objective="regression", min_data_per_group=5, cat_smooth=1))
    fit("categorical-one-hot", binary, categorical=(4,), params=dict(objective="binary", max_cat_to_onehot=20))
    fit("names", binary, params=dict(objective="binary"), feature_name=["ip/requests_1m", "path=length", "c" if major < 3 else "é", "d", "e", "f", "g", "h"])
    fit("random-forest", y, categorical=both, params=dict(
        objective="regression", boosting="rf", bagging_fraction=0.6, bagging_freq=1, feature_fraction=0.7))
    fit("random-forest-binary", binary, params=dict(
        objective="binary", boosting="rf", bagging_fraction=0.6, bagging_freq=1, feature_fraction=0.7))
    fit("dart", y, params=dict(objective="regression", boosting="dart", drop_rate=0.3))
    fit("multiclass", classes, params=dict(objective="multiclass", num_class=3), rounds=4)
    fit("multiclassova", classes, params=dict(objective="multiclassova", num_class=3, sigmoid=1.3), rounds=4)
    fit("cross-entropy", unit, params=dict(objective="cross_entropy"))
    fit("cross-entropy-lambda", unit, params=dict(objective="cross_entropy_lambda"))
    fit("sqrt", y, params=dict(objective="regression", reg_sqrt=True))
    fit("l1", y, params=dict(objective="regression_l1"))
    fit("quantile", y, params=dict(objective="quantile", alpha=0.8))
    fit("poisson", count, params=dict(objective="poisson"))
    fit("gamma", positive, params=dict(objective="gamma"))
    fit("tweedie", count, params=dict(objective="tweedie"))
    fit("lambdarank", classes, params=dict(objective="lambdarank"), group=[20] * 100)
    fit("constant", np.full(len(x), 3.25), params=dict(objective="regression"), rounds=2)
    fit("many-leaves", y, rounds=3, categorical=both, params=dict(objective="regression", num_leaves=80))
    if major >= 3:
        # Over the scales of feature 5 the linear systems have no solution, and LightGBM 3.3.5 writes -nan.
        tame, tame_plain = x.copy(), plain.copy()
        tame[:, 5] = tame_plain[:, 5] = np.sign(x[:, 5])
        fit("linear", y, tame, categorical=both, params=dict(objective="regression", linear_tree=True))
        fit("linear-binary", binary, tame_plain, params=dict(objective="binary", linear_tree=True))
    # Float32 neighbours as input: thresholds lie between two of them, where only the comparison in double tells them apart.
    fine = x.copy()
    fine[:, 0] = (np.float32(1) + rng.integers(0, 200, len(x)).astype(np.float32) * np.float32(2.0**-23)).astype(np.float32)
    label = (fine[:, 0] > np.median(fine[:, 0])).astype(float)
    near = rows.copy()
    near[:, 0] = (np.float32(1) + rng.integers(0, 200, ROWS).astype(np.float32) * np.float32(2.0**-23)).astype(np.float32)
    put("rows-neighbours.f32", near.astype("<f4").tobytes())
    settings = dict(objective="regression", num_leaves=31, min_data_in_leaf=2, verbose=-1, num_threads=1, learning_rate=0.3)
    save("neighbours", lightgbm.train(settings, lightgbm.Dataset(fine, label + fine[:, 0] * 0 + rng.normal(size=len(x)) * 0.3), 8), near)
    archive.write(archive.DATA / "lightgbm" / f"{lightgbm.__version__}.zip", files)


if __name__ == "__main__":
    sys.exit(main())
