#!/usr/bin/env python3
"""Trains the small CatBoost models that the tests of package scorer read.

    python3 -m venv /tmp/fixtures && /tmp/fixtures/bin/pip install -r requirements.txt
    /tmp/fixtures/bin/python train_numeric.py

The archive ../models.zip then holds, in a folder of each model:

    model.cbm   the model in CatBoost's binary format
    model.json  the same model, exported as JSON by the same library
    rows.f32    1,000 input rows: float32, little endian, row after row in flat feature order
    raw.f64     what the library itself answers to those rows (RawFormulaVal): float64, little endian

Everything is seeded, one thread trains, and time stamps are blanked, so that a second run with the pinned versions gives the
same files, but for unsupported/text, whose dictionaries carry random ids.
"""

import json
import pathlib
import tempfile

import numpy as np
from catboost import CatBoost, Pool, sum_models

import archive

ROWS = 1000
FLT_MAX = np.finfo(np.float32).max


files = {}  # of the archive


def saved(model, kind):
    for key in list(model.get_metadata().keys()):
        if key.endswith(("model_guid", "train_finish_time")):  # would make every run a new file
            model.get_metadata()[key] = "fixture"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model"
        model.save_model(str(path), format=kind)
        return path.read_bytes()


def bare(model):
    """Removes the training parameters, so that the file is small and nearly all of it matters."""
    for key in list(model.get_metadata().keys()):
        del model.get_metadata()[key]
    return model


def loaded(data, kind):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model"
        path.write_bytes(data)
        model = CatBoost()
        model.load_model(str(path), format=kind)
        return model


def train(x, y, names=True, **params):
    settings = dict(loss_function="Logloss", iterations=30, depth=6, learning_rate=0.2, border_count=32,
                    random_seed=7, thread_count=1, verbose=False, allow_writing_files=False)
    settings.update(params)
    labels = [f"f{i:02d}" for i in range(x.shape[1])] if names else None
    model = CatBoost(settings)
    model.fit(Pool(x, y, feature_names=labels))
    return model


def table(seed, features, rows=ROWS):
    """Inputs on a coarse grid (they compress well) of different spreads, and a label that depends on some of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)) * (4.0 ** (np.arange(features) % 4))
    x = (np.round(x * 64) / 64).astype(np.float32)
    y = (x[:, 0] + x[:, 1 % features] * x[:, -1] / 8 + rng.normal(size=rows) > 0).astype(int)
    return x, y


def borders_of(model):
    """The borders by flat feature index."""
    features = json.loads(saved(model, "json"))["features_info"]["float_features"]
    return {f["flat_feature_index"]: f["borders"] or [] for f in features}


def hard_rows(model, x, seed, nan=True):
    """Rows that meet the edges: on a border, a step beside it, infinities, signed zeros, the largest and smallest floats, NaN."""
    rng = np.random.default_rng(seed)
    x = x[rng.integers(0, len(x), ROWS)].copy()
    edges = [np.inf, -np.inf, 0.0, -0.0, FLT_MAX, -FLT_MAX, np.float32(1e-45), np.float32(-1e-45)]
    if nan:
        edges += [np.nan, np.nan]
    for column, borders in borders_of(model).items():
        for row in np.flatnonzero(rng.random(ROWS) < 0.3):
            if borders and rng.random() < 0.75:
                value = np.float32(borders[rng.integers(len(borders))])
                step = rng.integers(3)
                if step:
                    value = np.nextafter(value, np.float32(np.inf if step == 1 else -np.inf))
            else:
                value = edges[rng.integers(len(edges))]
            x[row, column] = value
    return x


def fixture(name, model, x):
    x = np.ascontiguousarray(x, dtype="<f4")
    assert x.shape[0] == ROWS
    raw = np.asarray(model.predict(x, prediction_type="RawFormulaVal", thread_count=1), dtype="<f8")
    assert raw.shape == (ROWS,), raw.shape
    # One row at a time is another code path of the library: it must not disagree with the batch.
    for i in range(0, ROWS, 37):
        one = model.predict(x[i:i + 1], prediction_type="RawFormulaVal", thread_count=1)
        assert np.float64(one[0]).tobytes() == raw[i].tobytes()
    files[f"{name}/model.cbm"] = saved(model, "cbm")
    files[f"{name}/model.json"] = saved(model, "json")
    files[f"{name}/rows.f32"] = x.tobytes()
    files[f"{name}/raw.f64"] = raw.tobytes()
    print(f"{name}: {model.tree_count_} trees, {x.shape[1]} features, raw {raw.min():.3f} to {raw.max():.3f}")


def with_gaps(x, columns, seed, share=0.2):
    rng = np.random.default_rng(seed)
    x = x.copy()
    for column in columns:
        x[rng.random(len(x)) < share, column] = np.nan
    return x


def classification():
    x, y = table(1, 8)
    x[:, 3] = 1.5  # a constant column gets no border
    model = train(x, y, ignored_features=[5])
    fixture("classification", model, hard_rows(model, x, 101))
    model = train(x, y, names=False, iterations=12, class_weights=[1, 7.5])
    fixture("class-weights", model, hard_rows(model, x, 102))
    model = train(x, y, depth=1)
    fixture("depth-1", bare(model), hard_rows(model, x, 103))
    model = train(x, y, iterations=6, depth=10)
    fixture("depth-10", model, hard_rows(model, x, 104))
    model = train(x, y, iterations=1, depth=16)
    fixture("depth-16", model, hard_rows(model, x, 105))


def missing_values():
    x, y = table(2, 5)
    gaps = with_gaps(x, [0, 2, 4], 3)
    for mode in ("Min", "Max"):
        model = train(gaps, y, iterations=20, nan_mode=mode)
        fixture(f"nan-{mode.lower()}", model, hard_rows(model, gaps, 201))
        if mode == "Max":  # a treatment of NaN that is not in force: the training rows are said to have had none
            tree = json.loads(saved(model, "json"))
            for feature in tree["features_info"]["float_features"]:
                feature["has_nans"] = False
            fixture("nan-max-off", loaded(json.dumps(tree).encode(), "json"), hard_rows(model, gaps, 201))
    # Without NaN in the training rows nothing is substituted, whatever the mode says.
    model = train(x, y, iterations=20, nan_mode="Max")
    fixture("nan-max-unseen", model, hard_rows(model, x, 202))
    model = train(x, y, iterations=20, nan_mode="Forbidden")
    fixture("nan-forbidden", model, hard_rows(model, x, 203))


def many_borders():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(4 * ROWS, 2)).astype(np.float32)
    y = np.sin(x[:, 0] * 60) + np.sin(x[:, 1] * 3)
    model = train(x, y, loss_function="RMSE", iterations=300, depth=6, border_count=1000, random_strength=2)
    print("most borders:", max(len(b) for b in borders_of(model).values()))
    fixture("many-borders", model, hard_rows(model, x, 301))


def regression():
    x, _ = table(5, 4)
    y = x[:, 0] * 0.1 + x[:, 1] * 3 + 100
    model = train(x, y, loss_function="RMSE", iterations=15, depth=4)
    rows = hard_rows(model, x, 401)
    fixture("regression", model, rows)
    for name, scale, bias in (("scale-and-bias", 2.3, -3.7), ("scale-only", -0.3, 0), ("identity", 1, 0)):
        model.set_scale_and_bias(scale, [bias])
        fixture(name, model, rows)


def mixed_depths():
    x, y = table(6, 6)
    parts = [train(x, y, iterations=8, depth=depth, random_seed=depth) for depth in (1, 3, 6, 8)]
    model = sum_models(parts, weights=[0.5, 1.25, 1, 0.75])
    # The library reads a JSON tree without splits as depth 0; the trainer writes such trees only by chance.
    tree = json.loads(saved(model, "json"))
    for at in (0, 7, 15):
        tree["oblivious_trees"].insert(at, {"leaf_values": [0.123456789 * (at + 1)], "leaf_weights": [1], "splits": None})
    model = loaded(json.dumps(tree).encode(), "json")
    fixture("mixed-depths", model, hard_rows(model, x, 501))
    # A sum of 0 and a negative scale show whether a bias of 0 is added: -0 + 0 would be +0.
    zero = dict(tree, oblivious_trees=[{"leaf_values": [0], "leaf_weights": [1], "splits": None}])
    zero["scale_and_bias"] = [-2, [0]]
    fixture("negative-zero", bare(loaded(json.dumps(zero).encode(), "json")), hard_rows(model, x, 502))
    tree["oblivious_trees"] = tree["oblivious_trees"][:1]
    model = loaded(json.dumps(tree).encode(), "json")
    fixture("depth-0", bare(model), hard_rows(model, x, 502))


if __name__ == "__main__":
    classification()
    missing_values()
    many_borders()
    regression()
    mixed_depths()
    archive.write(archive.DATA / "models.zip", files)
