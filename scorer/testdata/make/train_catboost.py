#!/usr/bin/env python3
"""Trains small CatBoost models, one for each thing that a model can contain, and keeps what the library answers to them.

Run by catboost.sh with one version of the library after the other. The archive ../libraries/catboost-VERSION.zip then holds, in a
folder NAME of each model:

    about.json   what the fixture is for, how its rows are laid out, and the kind of prediction
    model.cbm    the model in CatBoost's binary format
    model.json   the same model, exported as JSON by the same library
    rows.f32     input rows: float32, little endian, row after row in flat feature order; NaN where a category stands
    cats.json    for each row the texts of its categorical features, in the order of about.json's "categorical"
    raw.f64      the library's RawFormulaVal: float64, row after row
    predict.f64  the library's prediction of the kind that about.json names, if there is one
    shap.f64     the library's ShapValues of the first rows: for each row and output, one for each feature and the expected value

Everything is seeded and one thread trains.
"""

import json
import pathlib
import sys
import tempfile

import catboost
import numpy as np
from catboost import CatBoost, Pool, sum_models

import archive

OUT = archive.DATA / "libraries" / f"catboost-{catboost.__version__}.zip"
TRAIN, ROWS, EXPLAINED = 600, 120, 12
FLT_MAX = np.finfo(np.float32).max
COUNTRIES = ["nl", "de", "fr", "us", "日本"]
AGENTS = [f"agent/{i}" for i in range(12)] + ["", "x" * 64, "y" * 65, "z" * 200, "naïve \N{pouting face}"]


files = {}  # of the archive


def saved(model, kind, pool=None):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model"
        model.save_model(str(path), format=kind, pool=pool)
        return path.read_bytes()


def loaded(data, kind):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model"
        path.write_bytes(data)
        model = CatBoost()
        model.load_model(str(path), format=kind)
        return model


def table(seed, n, unseen=False):
    """Three numbers, a country and an agent. With unseen, some categories are ones that training rows do not have."""
    rng = np.random.default_rng(seed)
    x = (np.round(rng.normal(size=(n, 3)) * [64, 256, 16]) / 64).astype(np.float32)
    country = [COUNTRIES[i] for i in rng.integers(0, len(COUNTRIES), n)]
    agent = [AGENTS[i] for i in np.minimum(rng.geometric(0.15, n) - 1, len(AGENTS) - 1)]
    if unseen:
        for i in np.flatnonzero(rng.random(n) < 0.15):
            country[i] = ["", "NL", "n" * 70, "nan"][i % 4]
            agent[i] = ["curl", "w" * 129, "\x01", "0"][i % 4]
    return x, country, agent


def target(x, country, agent, seed):
    rng = np.random.default_rng(seed)
    c = np.array([COUNTRIES.index(v) if v in COUNTRIES else -1 for v in country])
    a = np.array([AGENTS.index(v) if v in AGENTS else -1 for v in agent])
    return np.nan_to_num(x[:, 0]) + (c % 2) * np.nan_to_num(x[:, 1]) / 4 + (a % 3 - 1) * (c - 1.5) / 2 + rng.normal(size=len(x)) / 3


def rows_of(x, columns):
    """Mixed rows as CatBoost takes them: numbers first, then categories."""
    return [[float(v) for v in row] + list(cats) for row, cats in zip(x, zip(*columns))]


def hard(model, x, seed):
    """Numbers that meet the edges: on a border, a step beside it, infinities, signed zeros, the largest and smallest, NaN."""
    rng = np.random.default_rng(seed)
    x = x.copy()
    edges = np.array([np.inf, -np.inf, 0.0, -0.0, FLT_MAX, -FLT_MAX, 1e-45, -1e-45, np.nan, np.nan], dtype=np.float32)
    for f in json.loads(saved(model, "json"))["features_info"]["float_features"]:
        borders = f["borders"] or []
        for row in np.flatnonzero(rng.random(len(x)) < 0.4):
            if borders and rng.random() < 0.7:
                value = np.float32(borders[rng.integers(len(borders))])
                step = rng.integers(3) if abs(value) < FLT_MAX else 0
                if step:
                    value = np.nextafter(value, np.float32(np.inf if step == 1 else -np.inf))
            else:
                value = edges[rng.integers(len(edges))]
            x[row, f["flat_feature_index"]] = value
    return x


def prune(model):
    """Leaves of the training parameters what decides about predictions, so that the file is small and nearly all of it matters."""
    metadata = model.get_metadata()
    loss = json.loads(metadata["params"])["loss_function"] if "params" in metadata.keys() else None
    names = json.loads(metadata["params"])["data_processing_options"]["class_names"] if "params" in metadata.keys() else None
    labelled = [key for key in metadata.keys() if key in ("class_params", "multiclass_params")]
    for key in list(metadata.keys()):
        if key not in labelled + ["loss_function"]:
            del metadata[key]
    if loss:
        params = {"loss_function": loss}
        if names and not labelled:
            params["data_processing_options"] = {"class_names": names}
        metadata["params"] = json.dumps(params)


def keep(name, shows, model, x, columns, predict=None, shap=True, json_pool=None, among=None):
    """Writes a fixture. The rows that are explained are the first of x, or, if among is given, of which x is the start, all of x."""
    width, cats = x.shape[1], len(columns)
    positions = list(range(width, width + cats))
    data = rows_of(x, columns) if cats else x
    pool = Pool(data, cat_features=positions or None)
    raw = np.asarray(model.predict(pool, prediction_type="RawFormulaVal", thread_count=1), dtype="<f8")
    outputs = 1 if raw.ndim == 1 else raw.shape[1]
    for i in range(0, len(x), 17):  # one row at a time is another code path of the library: it must not disagree
        one = model.predict(Pool(data[i:i + 1], cat_features=positions or None), prediction_type="RawFormulaVal", thread_count=1)
        assert np.asarray(one, dtype="<f8").tobytes() == raw[i].tobytes(), name
    about = {"shows": shows, "rows": len(x), "features": width + cats, "categorical": positions, "outputs": outputs}
    if predict:
        about["predict"] = predict
        p = np.asarray(model.predict(pool, prediction_type=predict, thread_count=1), dtype="<f8")
        files[f"{name}/predict.f64"] = p.tobytes()
        names = [str(c) for c in model.classes_]
        if name != "multi-logloss" and names:
            about["classes"] = names
            about["class"] = [names.index(str(v)) for v in np.asarray(model.predict(pool, prediction_type="Class")).ravel()]
    if shap:
        explained = EXPLAINED if among is None else len(x)
        part = Pool(data[:EXPLAINED] if among is None else among, cat_features=positions or None)
        values = np.asarray(model.get_feature_importance(part, type="ShapValues", thread_count=1), dtype="<f8")[:explained]
        about["explained"] = explained
        if np.isinf(raw).any():  # the library explains the classes that training had, one after the other
            about["seen"] = [k for k in range(outputs) if np.isfinite(raw[0, k])]
        files[f"{name}/shap.f64"] = values.tobytes()
    prune(model)
    for kind in ("cbm", "json"):
        files[f"{name}/model.{kind}"] = saved(model, kind, json_pool if kind == "json" else None)
    files[f"{name}/rows.f32"] = np.hstack([x, np.full((len(x), cats), np.nan, dtype="<f4")]).astype("<f4").tobytes()
    if cats:
        files[f"{name}/cats.json"] = json.dumps([list(c) for c in zip(*columns)], ensure_ascii=False).encode()
    files[f"{name}/raw.f64"] = raw.tobytes()
    files[f"{name}/about.json"] = (json.dumps(about) + "\n").encode()
    print(f"{name}: {model.tree_count_} trees, {outputs} outputs, raw {raw.min():.3f} to {raw.max():.3f}")


def train(data, y, cats=None, **params):
    settings = dict(loss_function="Logloss", iterations=10, depth=4, learning_rate=0.3, border_count=12, random_seed=7, thread_count=1,
                    verbose=False, allow_writing_files=False, model_size_reg=0)
    settings.update(params)
    return CatBoost(settings).fit(Pool(data, y, cat_features=cats))


def numeric():
    x, country, agent = table(1, TRAIN)
    t = target(x, country, agent, 2)
    test = table(3, ROWS)[0]
    gaps = x.copy()
    gaps[np.random.default_rng(4).random(x.shape) < 0.15] = np.nan
    for name, shows, params, data in (
        ("numeric", "numeric features", {}, x),
        ("nan-min", "missing values below all borders", dict(nan_mode="Min"), gaps),
        ("nan-max", "missing values above all borders", dict(nan_mode="Max"), gaps),
        ("nan-forbidden", "no missing values in training", dict(nan_mode="Forbidden"), x),
        ("lossguide", "non-symmetric trees, Lossguide", dict(grow_policy="Lossguide", max_leaves=11, depth=6), x),
        ("depthwise", "non-symmetric trees, Depthwise", dict(grow_policy="Depthwise"), gaps),
    ):
        model = train(data, t > 0, **params)
        keep(name, shows, model, hard(model, test, 5), [], predict="Probability")
    # Under monotone constraints leaves without training rows have values. Then the library counts the rows that it explains as
    # training rows too, so that what it answers depends on them: but not if they are the training rows themselves.
    model = train(gaps, t > 0, monotone_constraints=[1, -1, 0])
    keep("monotone", "monotone constraints", model, gaps[:ROWS], [], predict="Probability", among=gaps)
    outputs(x, t, test)
    absent(x, t, test)


def outputs(x, t, test):
    bins = np.digitize(t, [-1, 0.5])
    two = np.stack([t, t * t / 4], axis=1)
    labels = np.array(["bot", "crawler", "human"])[bins]
    for name, shows, y, predict, params in (
        ("multiclass", "several outputs, MultiClass", labels, "Probability", dict(loss_function="MultiClass")),
        ("one-vs-all", "several outputs, MultiClassOneVsAll", bins, "Probability", dict(loss_function="MultiClassOneVsAll")),
        ("multiclass-lossguide", "several outputs, non-symmetric trees", bins, "Probability",
         dict(loss_function="MultiClass", grow_policy="Lossguide")),
        ("multi-rmse", "several outputs, MultiRMSE", two, None, dict(loss_function="MultiRMSE")),
        ("multi-logloss", "several outputs, MultiLogloss", (two > 0.3).astype(int), "Probability", dict(loss_function="MultiLogloss")),
        ("uncertainty", "several outputs, RMSEWithUncertainty", t, "RMSEWithUncertainty", dict(loss_function="RMSEWithUncertainty")),
        ("rmse", "regression", t, None, dict(loss_function="RMSE")),
        ("poisson", "prediction type Exponent", np.round(np.exp(t / 3)), "Exponent", dict(loss_function="Poisson")),
        ("cross-entropy", "CrossEntropy", 1 / (1 + np.exp(-t)), "Probability", dict(loss_function="CrossEntropy")),
        ("string-classes", "classes with names", labels_of(t), "Probability", {}),
    ):
        model = train(x, y, **params)
        # The library has no ShapValues for multi-dimensional trees that are not symmetric in all versions.
        keep(name, shows, model, hard(model, test, 6), [], predict=predict, shap=name != "multiclass-lossguide")
    model = train(x, t, loss_function="RMSE")
    model.set_scale_and_bias(-2.25, 0.7)
    keep("scale-and-bias", "scale and bias", model, hard(model, test, 7), [], shap=False)


def absent(x, t, test):
    """Classifiers for more classes than the training rows have, and the older ways to name classes."""
    bins = np.digitize(t, [-1, 0.5])
    names = ["bot", "crawler", "human", "monitor", "preview", "scanner", "unknown"]
    labels = np.array(["bot", "human", "unknown"])[bins]
    many = dict(loss_function="MultiClass", class_names=names)

    def one(name, shows, y, shap=True, change=None, **params):
        model = train(x, y, **params)
        if change:
            change(model.get_metadata())
        keep(name, shows, model, hard(model, test, 8), [], predict="Probability", shap=shap)

    def rename(metadata):  # what earlier releases wrote
        metadata["multiclass_params"] = metadata["class_params"]
        del metadata["class_params"]

    def forget(metadata):  # names are among the parameters too, and in still older files nowhere else
        del metadata["class_params"]

    one("absent-classes", "classes absent in training, MultiClass", labels, **many)
    one("absent-classes-one-vs-all", "classes absent in training, MultiClassOneVsAll", bins + 1,
        loss_function="MultiClassOneVsAll", classes_count=5)
    one("absent-classes-lossguide", "classes absent in training, non-symmetric trees", labels, shap=False, grow_policy="Lossguide",
        loss_function="MultiClass", class_names=names[::-1])
    one("multiclass-params", "classes in multiclass_params", labels, change=rename, **many)
    # A sum says in another place what its models were trained for.
    for name, shows, y, predict, params in (
        ("sum-one-vs-all", "sum of models, MultiClassOneVsAll", bins, "Probability", dict(loss_function="MultiClassOneVsAll", classes_count=5)),
        ("sum-poisson", "sum of models, Poisson", np.round(np.exp(t / 3)), "Exponent", dict(loss_function="Poisson")),
    ):
        model = sum_models([train(x, y, random_seed=seed, iterations=5, **params) for seed in (7, 8)])
        keep(name, shows, model, hard(model, test, 9), [], predict=predict)
    one("class-names-in-params", "names of classes in the parameters", labels_of(t), change=forget, class_names=["human", "bot"])


def labels_of(t):
    return np.where(t > 0, "human", "bot")


def categorical():
    x, country, agent = table(11, TRAIN)
    t = target(x, country, agent, 12)
    test, test_country, test_agent = table(13, ROWS, unseen=True)
    data, cats = rows_of(x, [country, agent]), [3, 4]
    small = dict(iterations=8, depth=3, max_ctr_complexity=1, one_hot_max_size=2)
    prior = ":Prior=0/1:Prior=0.5/1"

    def one(name, shows, y=None, shap=True, change=None, **params):
        settings = dict(small, **params)
        model = train(data, (t > 0).astype(int) if y is None else y, cats, **settings)
        if change:
            model = change(model)
        predict = "Probability" if settings.get("loss_function", "Logloss") in ("Logloss", "MultiClass") else None
        keep(name, shows, model, hard(model, test, 14), [test_country, test_agent], predict=predict if not change else None, shap=shap,
             json_pool=Pool(data, cat_features=cats))

    one("one-hot", "one-hot categories", one_hot_max_size=255)
    for kind in ("Borders", "Buckets", "BinarizedTargetMeanValue", "Counter"):
        one(f"statistic-{kind.lower()}", f"target statistic {kind}", simple_ctr=[kind + prior])
    # The CPU trainer does not make these two kinds; the library evaluates them all the same.
    one("statistic-floattargetmeanvalue", "target statistic FloatTargetMeanValue", simple_ctr=["BinarizedTargetMeanValue" + prior],
        change=lambda m: renamed(m, "BinarizedTargetMeanValue", "FloatTargetMeanValue"), shap=False)
    one("statistic-featurefreq", "target statistic FeatureFreq", simple_ctr=["Counter" + prior],
        change=lambda m: renamed(m, "Counter", "FeatureFreq"), shap=False)
    one("combinations", "tensor combinations of categories, numbers and one-hot values", max_ctr_complexity=4, one_hot_max_size=6,
        iterations=14, depth=4)
    one("combinations-cats", "tensor combinations of categories", max_ctr_complexity=2, depth=4)
    one("target-borders", "statistics of several target borders", y=t, loss_function="RMSE",
        simple_ctr=["Borders:TargetBorderCount=3:Prior=0.5/1", "Buckets:TargetBorderCount=2", "Counter"])
    one("multiclass-statistics", "statistics of several classes", y=np.digitize(t, [-1, 0.5]), loss_function="MultiClass")
    one("lossguide-categories", "categories in non-symmetric trees", grow_policy="Lossguide", one_hot_max_size=6)
    integers(t)


def renamed(model, old, new):
    """The model with another kind of statistic, by way of JSON."""
    text = saved(model, "json").decode()
    assert old in text
    return loaded(text.replace(old, new).encode(), "json")


def integers(t):
    rng = np.random.default_rng(21)
    values = [0, -1, 7, 4294967296, -9223372036854775808]
    column = [values[i] for i in rng.integers(0, len(values), TRAIN)]
    x = table(11, TRAIN)[0][:, :1]
    y = (t + np.array([values.index(v) - 2 for v in column]) > 0).astype(int)
    model = train(rows_of(x, [column]), y, [1], iterations=8, depth=3, max_ctr_complexity=1, one_hot_max_size=2)
    test = hard(model, table(22, ROWS)[0][:, :1], 23)
    keep("integers", "integers as categories", model, test, [[(values + [8])[i] for i in rng.integers(0, 6, ROWS)]], predict="Probability")


def refused():
    """Models that the package has to refuse by name."""
    x, country, agent = table(31, TRAIN)
    y = (x[:, 0] > 0).astype(int)
    one = dict(loss_function="Logloss", iterations=2, depth=2, thread_count=1, verbose=False, allow_writing_files=False, random_seed=7)

    def put_refused(name, shows, error, model):
        files[f"{name}/model.cbm"] = saved(model, "cbm")
        files[f"{name}/about.json"] = (json.dumps({"shows": shows, "refused": error}) + "\n").encode()

    words = [[float(a), "curl bot" if b > 0 else "mozilla gecko like"] for a, b in x[:, :2]]
    pool = Pool(words, y, text_features=[1], feature_names=["rate", "agent"])
    put_refused("text", "text features", 'text feature "agent" is not supported', CatBoost(one).fit(pool))
    if catboost.__version__ == "1.2":  # its Python package does not take vectors beside numbers
        return
    vectors = [[float(a), [float(b), float(c)]] for a, b, c in x]
    pool = Pool(vectors, y, embedding_features=[1], feature_names=["rate", "place"])
    put_refused("embedding", "embedding features", 'embedding feature "place" is not supported', CatBoost(one).fit(pool))


if __name__ == "__main__":
    numeric()
    categorical()
    refused()
    archive.write(OUT, files)
    sys.exit(0)
