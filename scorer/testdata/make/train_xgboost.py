#!/usr/bin/env python3
"""Trains the small XGBoost models that the tests of package scorer read, with the installed version of the library.

    ./train_forests.sh            # all versions of LightGBM and XGBoost, each in a virtual environment of its own

A model NAME gives four files in testdata/xgboost/VERSION.zip:

    NAME.json  the model as XGBoost saves it
    NAME.ubj   the same in its binary format
    NAME.raw   the margins the library gives for the rows: float32, little endian, output after output of a row
    NAME.out   the transformed output of the library, likewise

rows.f32 holds the rows, which all models share: float32, little endian, WIDTH values each. XGBoost takes no
infinities as input. Its thresholds are values of the training data with the exact method, so that grid values are equal to them.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np
import xgboost

import archive

WIDTH = 8
ROWS = 200
VERSION = tuple(int(part) for part in xgboost.__version__.split(".")[:2])


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
    odd = np.array([np.nan, 0, -0.0, 1e-45, -1e-45, 1e-35, 2e-38, 3.4028235e38, -3.4028235e38, -1, -0.5, 0.5, 11.5, 12, 31, 32,
                    299, 300, 1000, 16777215, 16777216, 2147483648, 1e10], np.float32)
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


def save(name, booster, rows, types=None):
    with tempfile.TemporaryDirectory() as scratch:
        for kind in ("json", "ubj"):
            path = pathlib.Path(scratch) / f"model.{kind}"
            booster.save_model(str(path))
            data = path.read_bytes()
            if kind == "json":  # statistics that no reader needs take half of the file
                document = json.loads(data)
                model = document["learner"]["gradient_booster"]
                for tree in model.get("gbtree", model)["model"]["trees"]:
                    for key in ("sum_hessian", "loss_changes", "parents"):
                        tree[key] = [0] * len(tree.get(key, ()))
                data = json.dumps(document, separators=(",", ":")).encode()
            put(f"{name}.{kind}", data)
        # What counts is what the library says of the file, not of the model in memory.
        loaded = xgboost.Booster()
        loaded.load_model(str(path))
    pool = xgboost.DMatrix(rows, feature_names=booster.feature_names, feature_types=types, enable_categorical=types is not None)
    for kind, margin in (("raw", True), ("out", False)):
        answer = np.asarray(loaded.predict(pool, output_margin=margin), "<f4")
        put(f"{name}.{kind}", answer.tobytes())


def main():
    rng = np.random.default_rng(20260402)
    x = table(rng, 1500)
    rows = hostile(rng)
    put("rows.f32", rows.astype("<f4").tobytes())
    y = target(rng, x)
    binary = (y > np.median(y)).astype(float)
    classes = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    count = np.floor(np.exp(y / 4) * 2)
    positive = np.exp(y / 3)
    types = ["float", "float", "float", "float", "c", "float", "c", "float"]

    def fit(name, label, rounds=8, kinds=None, names=None, extra=None, **params):
        settings = dict(max_depth=4, eta=0.3, nthread=1, seed=7, tree_method="hist", max_bin=64)
        settings.update(params)
        pool = xgboost.DMatrix(x, label, feature_types=kinds, feature_names=names, enable_categorical=kinds is not None)
        for key, value in (extra or {}).items():
            getattr(pool, "set_" + key)(value)
        save(name, xgboost.train(settings, pool, rounds), rows, kinds)

    fit("logistic", binary, objective="binary:logistic")
    fit("logistic-base", binary, objective="binary:logistic", base_score=0.123)
    fit("logitraw", binary, objective="binary:logitraw")
    fit("hinge", binary, objective="binary:hinge")
    fit("reg-logistic", 1 / (1 + np.exp(-y)), objective="reg:logistic")
    fit("squarederror", y, objective="reg:squarederror")
    fit("squarederror-base", y, objective="reg:squarederror", base_score=-1.7)
    fit("exact", y, objective="reg:squarederror", tree_method="exact")
    fit("squaredlog", positive, objective="reg:squaredlogerror")
    fit("pseudohuber", y, objective="reg:pseudohubererror")
    fit("poisson", count, objective="count:poisson")
    fit("gamma", positive, objective="reg:gamma")
    fit("tweedie", count, objective="reg:tweedie")
    fit("cox", positive, objective="survival:cox")
    fit("softprob", classes, objective="multi:softprob", num_class=3, rounds=4)
    fit("softmax", classes, objective="multi:softmax", num_class=3, rounds=4)
    fit("rank", np.minimum(classes, 1), objective="rank:pairwise", extra=dict(group=[20] * 75))
    fit("dart", binary, objective="binary:logistic", booster="dart", rate_drop=0.4)
    fit("dart-softprob", classes, objective="multi:softprob", num_class=3, booster="dart", rate_drop=0.4, rounds=4)
    fit("parallel-trees", binary, objective="binary:logistic", num_parallel_tree=3, subsample=0.6, rounds=3)
    fit("lossguide", y, objective="reg:squarederror", grow_policy="lossguide", max_leaves=20, max_depth=0)
    fit("deep", y, objective="reg:squarederror", max_depth=10, rounds=2, min_child_weight=5)
    fit("pruned", y, objective="reg:squarederror", tree_method="exact", gamma=30)  # leaves deleted nodes in the file
    fit("stumps", y, objective="reg:squarederror", max_depth=1)
    fit("names", binary, objective="binary:logistic", names=["ip/requests_1m", "b", "é", "d", "e", "f", "g", "h"])
    fit("partition", y, objective="reg:squarederror", kinds=types, max_cat_to_onehot=1)
    fit("one-hot", y, objective="reg:squarederror", kinds=types, max_cat_to_onehot=1000)
    fit("categorical-logistic", binary, objective="binary:logistic", kinds=types, max_cat_to_onehot=5)
    both = np.stack([y, positive], axis=1)
    fit("multi-target", both, objective="reg:squarederror")
    if VERSION >= (2, 0):
        fit("vector-leaf", both, objective="reg:squarederror", multi_strategy="multi_output_tree")
        fit("quantile", y, objective="reg:quantileerror", quantile_alpha=0.8)
        fit("absolute", y, objective="reg:absoluteerror")
        fit("vector-softprob", classes, objective="multi:softprob", num_class=3, rounds=4, multi_strategy="multi_output_tree")
    pool = xgboost.DMatrix(x)
    pool.set_float_info("label_lower_bound", positive)
    pool.set_float_info("label_upper_bound", np.where(rng.random(len(x)) < 0.3, np.inf, positive))
    save("aft", xgboost.train(dict(objective="survival:aft", max_depth=3, nthread=1, seed=7, tree_method="hist"), pool, 8), rows)
    archive.write(archive.DATA / "xgboost" / f"{xgboost.__version__}.zip", files)


if __name__ == "__main__":
    sys.exit(main())
