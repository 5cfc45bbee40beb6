#!/usr/bin/env python3
"""Trains the models of testdata/iterations.zip, of which tests use the first iterations only, with what the libraries answer then.

    python3 -m venv v && v/bin/pip install xgboost-cpu==3.2.0 lightgbm==4.6.0 catboost==1.2.8 scikit-learn
    v/bin/python train_iterations.py

A model NAME gives NAME.json, .ubj, .txt or .cbm, and for some numbers N of iterations NAME.N.out: the probabilities or values of the
library's own predict with its first N iterations (float64, little endian). NAME.best.out is what the scikit-learn class of XGBoost answers
after early stopping. rows.f32 holds the rows, of 6 values each.
"""

import pathlib
import tempfile

import catboost
import lightgbm
import numpy as np
import xgboost

import archive

files = {}


def save(name, write, *extensions):
    with tempfile.TemporaryDirectory() as folder:
        for extension in extensions:
            path = pathlib.Path(folder) / f"m.{extension}"
            write(str(path))
            files[f"{name}.{extension}"] = path.read_bytes()


def answers(name, n, values):
    files[f"{name}.{n}.out"] = np.ascontiguousarray(values, "<f8").tobytes()


rng = np.random.default_rng(7)
x = np.round(rng.normal(size=(600, 6)) * 8).astype(np.float32) / 8
y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=600) > 0).astype(int)
classes = np.digitize(x[:, 0] + rng.normal(size=600), [-0.5, 0.5])
rows = x[400:500]
files["rows.f32"] = rows.astype("<f4").tobytes()

m = xgboost.XGBClassifier(n_estimators=40, max_depth=4, learning_rate=0.8, early_stopping_rounds=10)
m.fit(x[:300], y[:300], eval_set=[(x[300:], y[300:])], verbose=False)
save("xgb-early", m.save_model, "json", "ubj")
answers("xgb-early", "best", m.predict_proba(rows)[:, 1])
for n in (1, 3, m.get_booster().num_boosted_rounds()):
    answers("xgb-early", n, m.predict_proba(rows, iteration_range=(0, n))[:, 1])

m = xgboost.XGBClassifier(n_estimators=6, num_parallel_tree=3, subsample=0.7, max_depth=3, objective="multi:softprob")
m.fit(x[:400], classes[:400])
save("xgb-parallel", m.save_model, "json", "ubj")
for n in (1, 4):
    answers("xgb-parallel", n, m.predict_proba(rows, iteration_range=(0, n)))

m = xgboost.XGBRegressor(n_estimators=6, multi_strategy="multi_output_tree", num_parallel_tree=2, subsample=0.7, max_depth=3)
m.fit(x[:400], np.stack([x[:400, 0] * 2, x[:400, 1]], 1))
save("xgb-vector", m.save_model, "json", "ubj")
for n in (1, 4):
    answers("xgb-vector", n, m.predict(rows, iteration_range=(0, n)))

for name, parameters, target in (
    ("lgb-binary", {"objective": "binary"}, y),
    ("lgb-classes", {"objective": "multiclass", "num_class": 3}, classes),
    ("lgb-forest", {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}, y),
    ("lgb-linear", {"objective": "regression", "linear_tree": True}, x[:, 0] + x[:, 1]),
):
    m = lightgbm.train({**parameters, "num_leaves": 7, "verbose": -1, "num_threads": 1}, lightgbm.Dataset(x[:400], target[:400]), 8)
    save(name, m.save_model, "txt")
    for n in (1, 5):
        answers(name, n, m.predict(rows, num_iteration=n))

for name, parameters, target in (
    ("cat-binary", {}, y),
    ("cat-classes", {"loss_function": "MultiClass"}, classes),
    ("cat-lossguide", {"grow_policy": "Lossguide"}, y),
):
    m = catboost.CatBoostClassifier(iterations=8, depth=4, thread_count=1, verbose=False, allow_writing_files=False, **parameters)
    m.fit(x[:400], target[:400])
    save(name, m.save_model, "cbm")
    save(name, lambda path: m.save_model(path, format="json"), "json")
    for n in (1, 5):
        p = m.predict_proba(rows, ntree_end=n)
        answers(name, n, p if name == "cat-classes" else p[:, 1])

archive.write(archive.DATA / "iterations.zip", files)
