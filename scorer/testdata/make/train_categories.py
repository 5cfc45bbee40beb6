#!/usr/bin/env python3
"""Trains small LightGBM and XGBoost models on pandas data frames with category columns, with the installed one of the two libraries.

    ./train_forests.sh categories    # all versions, each in a virtual environment of its own

A model NAME gives in testdata/categories/LIBRARY-VERSION.zip

    NAME.txt, or NAME.json and NAME.ubj    the model as the library saves it
    NAME.rows                              a JSON object: "columns", the names of the features; "category", which of them are category
                                           columns; and "rows", each with "values" (numbers, and the text of a category as str() of
                                           Python gives it; null is missing), "unseen", whether one is a category that training did
                                           not see, and what the library answers to it in a data frame: "raw", the untransformed
                                           output, or "error", how it refuses the row

XGBoost 3.1 and 3.2 refuse a category that training did not see only if it is greater than all that it saw. Any other is taken for the
next greater one, which cannot be meant.
"""

import json

import numpy as np
import pandas as pd

try:
    import lightgbm as library
except ImportError:
    import pyarrow
    import xgboost as library

import archive

NAME = library.__name__
LONG = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0, which is longer than 64 bytes"
FOREIGN = ["fré", "日本", "été"]  # XGBoost cuts the texts of a pandas column in the wrong places if one has other characters than ASCII
COUNTRIES = ["nl", "de", LONG, "NA", ""] + (FOREIGN if NAME == "lightgbm" else [])
ROWS = 60
files = {}


def frame(rng, n):
    """Columns of all kinds, in an order in which category columns are not together."""
    c = {
        "flag": rng.integers(0, 2, n),
        "country": pd.Categorical(rng.choice(COUNTRIES, n)),
        "num": rng.normal(size=n).astype(np.float32),
        "single": pd.Categorical(["only"] * n),
        "status": pd.Categorical(rng.choice([200, 301, 404, -1, 5000000000], n)),
        "rare": pd.Categorical(np.where(np.arange(n) == 17, "b", "a")),
        "noise": pd.Categorical(rng.choice(["x", "y"], n), categories=["w", "x", "y", "z"]),
        "many": pd.Categorical(rng.choice([f"c{i}" for i in range(60)], n)),
        "holes": pd.Categorical(np.where(rng.random(n) < 0.3, None, rng.choice(["p", "q"], n))),
    }
    if NAME == "lightgbm":  # XGBoost refuses such
        c["part"] = pd.Categorical(rng.choice([0.5, 1.0, 1e-5, 3.0], n))
        c["truth"] = pd.Categorical(rng.choice([True, False], n))
        c["mixed"] = pd.Categorical(rng.choice(np.array([7, "7a", True, 2.5], object), n))
    return pd.DataFrame(c)


def target(rng, f):
    y = f["num"] + f["flag"] * 0.5 + rng.normal(size=len(f)) * 0.1
    for name in f:
        if isinstance(f[name].dtype, pd.CategoricalDtype) and name not in ("noise", "single", "rare"):
            y = y + f[name].cat.codes % 3
    return y


UNSEEN = {"status": 999, "part": 0.25, "truth": "maybe"}


def texts(value):
    if value is None or value != value:
        return None
    return str(value) if not isinstance(value, (float, np.floating)) or value != int(value) else str(float(value))


def answer(predict, f):
    try:
        return {"raw": float(predict(f)[0])}
    except Exception as e:  # the libraries have several kinds
        return {"error": str(e).splitlines()[0].split("] ")[-1].split(": ", 1)[-1]}


def rows(rng, trained, predict):
    """Lets the library answer to rows, one by one: a data frame that it refuses has no answers."""
    test = trained.iloc[:ROWS].reset_index(drop=True)
    category = [isinstance(trained[name].dtype, pd.CategoricalDtype) for name in trained]
    out = []
    for i in range(ROWS):
        one, values, unseen = test.iloc[i:i + 1].copy(), [], False
        for name, is_category in zip(trained, category):
            value = one[name].iloc[0]
            if not is_category:
                values.append(float(value))
                continue
            dtype = trained[name].dtype
            if rng.random() < 0.1:
                value = None
            elif rng.random() < 0.05:
                value, unseen = UNSEEN.get(name, "unseen"), True
                dtype = pd.CategoricalDtype(list(dtype.categories) + [value], dtype.ordered)
            one[name] = pd.Categorical([value], dtype=dtype)
            values.append(texts(value))
        out.append({"values": values, "unseen": unseen, **answer(predict, one)})
    return {"columns": list(trained), "category": category, "rows": out}


def put(name, model, content):
    for extension, data in model.items():
        files[f"{name}.{extension}"] = data
    files[name + ".rows"] = json.dumps(content, ensure_ascii=False).encode()


def lightgbm_models(rng, train):
    y = target(rng, train)

    def fit(name, f, **more):
        settings = dict(objective="regression", num_leaves=8, learning_rate=0.3, min_data_in_leaf=5, min_data_per_group=5, cat_smooth=1,
                        max_cat_to_onehot=2, verbose=-1, num_threads=1, seed=7, deterministic=True, force_row_wise=True)
        b = library.train(settings, library.Dataset(f, y, free_raw_data=False, **more), 12)
        text = b.model_to_string()
        loaded = library.Booster(model_str=text)
        put(name, {"txt": text.encode()}, rows(rng, f, lambda one: loaded.predict(one, raw_score=True)))

    fit("several", train)
    few = train[["num", "country", "status"]].copy()
    fit("few", few)
    order = pd.Categorical(rng.choice(["low", "middle", "high"], len(train)), categories=["low", "middle", "high"], ordered=True)
    fit("ordered", few.assign(order=order))  # a number for LightGBM, with a list of its own
    fit("columns", few.assign(code=rng.integers(0, 40, len(train))), categorical_feature=["country", "status", "code"])
    fit("doubt", few[["num", "country"]].assign(code=rng.integers(0, 3, len(train))), categorical_feature=["country", "code"])


def xgboost_models(rng, train):
    y = target(rng, train)

    def fit(name, f, convert=lambda f: f, **settings):
        data = lambda f, y=None: library.DMatrix(f, y, enable_categorical=True)
        b = library.train(dict(max_depth=4, nthread=1, **settings), data(convert(f), y), 8)
        model = {"json": bytes(b.save_raw("json")), "ubj": bytes(b.save_raw("ubj"))}
        loaded = library.Booster(model_file=bytearray(model["ubj"]))
        put(name, model, rows(rng, f, lambda one: loaded.predict(data(convert(one)), output_margin=True)))

    fit("several", train)
    fit("one-hot", train, max_cat_to_onehot=100)
    few = train[["num", "country", "status"]]
    fit("dart", few, booster="dart")
    foreign = few[["num"]].assign(country=pd.Categorical(rng.choice(COUNTRIES + FOREIGN, len(train))))
    fit("cut", foreign)
    fit("arrow", foreign, lambda f: pyarrow.Table.from_pandas(f, preserve_index=False))


def main():
    rng = np.random.default_rng(20261130)
    train = frame(rng, 600)
    (lightgbm_models if NAME == "lightgbm" else xgboost_models)(rng, train)
    archive.write(archive.DATA / "categories" / f"{NAME}-{library.__version__}.zip", files)


if __name__ == "__main__":
    main()
