"""Trains the models of the inference suite: python train.py FOLDER

For each size (trees, features, borders): CatBoost with symmetric trees of depth 6, LightGBM with 31 leaves, XGBoost of depth 6, all on the same made-up
rows; and CatBoost with ten categorical features. Beside each model stand 1,000 rows to score: N.rows, little-endian float32, row by row; the categories
as text, N.cats, one row a line, tab-separated.
"""
import pathlib
import sys

import catboost
import lightgbm
import numpy as np
import xgboost

SIZES = [(100, 50, 16), (300, 100, 32), (1000, 200, 64)]
TRAINING, SCORED, CATEGORICAL = 6_000, 1_000, 10


def rows(rng, n, features):
    """Counts and shares, as traffic has them, one value in twenty missing."""
    x = rng.lognormal(1.0, 1.5, (n, features)).astype(np.float32)
    x[:, 1::2] = rng.random((n, (features) // 2), dtype=np.float32)
    x[rng.random((n, features)) < 0.05] = np.nan
    return x


def labels(rng, x):
    weights = rng.normal(size=x.shape[1])
    signal = np.nan_to_num(np.log1p(x)) @ weights
    return (signal + rng.normal(scale=signal.std() / 3, size=len(x)) > np.median(signal)).astype(int)


def numeric(out, trees, features, borders):
    rng = np.random.default_rng(trees)
    x = rows(rng, TRAINING, features)
    y = labels(rng, x)
    rows(rng, SCORED, features).tofile(out / f"{trees}.rows")
    catboost.CatBoostClassifier(iterations=trees, depth=6, border_count=borders, random_seed=1, thread_count=1, verbose=False,
                                allow_writing_files=False).fit(x, y).save_model(str(out / f"catboost-{trees}.cbm"))
    lightgbm.train({"objective": "binary", "num_leaves": 31, "seed": 1, "num_threads": 1, "verbose": -1}, lightgbm.Dataset(x, y),
                   num_boost_round=trees).save_model(str(out / f"lightgbm-{trees}.txt"))
    xgboost.train({"objective": "binary:logistic", "max_depth": 6, "seed": 1, "nthread": 1}, xgboost.DMatrix(x, y),
                  num_boost_round=trees).save_model(str(out / f"xgboost-{trees}.json"))


def categorical(out, trees, features):
    rng = np.random.default_rng(7)
    x = rows(rng, TRAINING + SCORED, features - CATEGORICAL)
    c = np.char.add("value-", rng.zipf(1.5, (len(x), CATEGORICAL)).clip(max=500).astype(str))
    y = labels(rng, np.hstack([x, (np.char.str_len(c) % 3).astype(np.float32)]))
    table = np.hstack([x.astype(object), c.astype(object)])
    columns = list(range(features - CATEGORICAL, features))
    model = catboost.CatBoostClassifier(iterations=trees, depth=6, border_count=32, random_seed=1, thread_count=1, verbose=False, allow_writing_files=False,
                                        cat_features=columns)
    model.fit(table[:TRAINING], y[:TRAINING])
    model.save_model(str(out / "catboost-categorical.cbm"))
    x[TRAINING:].tofile(out / "categorical.rows")
    (out / "categorical.cats").write_text("".join("\t".join(row) + "\n" for row in c[TRAINING:]))


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        numeric(out, *size)
    categorical(out, 300, 50)


main()
