#!/usr/bin/env python3
"""Trains the two models of package scorer's examples, with the installed version of CatBoost, as ../example/bots.cbm and shadow.cbm.

    python3 train_example.py

The rows are made up: bots send many requests, get many errors, and come from some countries more than from others. The shadow does not
know the country, and takes its inputs in another order.
"""

import pathlib
import sys

import numpy as np
from catboost import CatBoostClassifier, Pool

OUT = pathlib.Path(__file__).resolve().parent.parent / "example"
ROWS = 2000


def rows(rng):
    bot = rng.random(ROWS) < 0.4
    requests = np.round(rng.gamma(2, np.where(bot, 60, 8)))
    errors = np.round(rng.beta(np.where(bot, 2, 1), np.where(bot, 4, 20)), 3)
    country = np.where(rng.random(ROWS) < np.where(bot, 0.7, 0.2), "xx", rng.choice(["nl", "de", "fr"], ROWS))
    return requests, errors, country, np.where(bot, "bot", "human")


def train(name, columns, labels):
    cats = [i for i, values in enumerate(columns.values()) if values.dtype.kind == "U"]
    table = [list(row) for row in zip(*(values.tolist() for values in columns.values()))]
    model = CatBoostClassifier(iterations=12, depth=3, border_count=16, learning_rate=0.4, one_hot_max_size=8, class_names=["human", "bot"],
                               random_seed=1, thread_count=1, verbose=False, allow_writing_files=False)
    model.fit(Pool(table, labels, cat_features=cats, feature_names=list(columns)))
    metadata = model.get_metadata()
    for key in [key for key in metadata.keys() if key not in ("class_params", "params")]:
        del metadata[key]
    model.save_model(str(OUT / name))


def main():
    OUT.mkdir(exist_ok=True)
    requests, errors, country, labels = rows(np.random.default_rng(1))
    train("bots.cbm", {"requests_1m": requests, "error_share": errors, "country": country}, labels)
    train("shadow.cbm", {"error_share": errors, "requests_1m": requests}, labels)


if __name__ == "__main__":
    sys.exit(main())
