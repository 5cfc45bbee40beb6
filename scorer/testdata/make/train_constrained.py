#!/usr/bin/env python3
"""Trains LightGBM and XGBoost models with monotone constraints, and classifiers for more classes than the training rows have.

    python3.11 -m venv /tmp/constrained
    /tmp/constrained/bin/pip install lightgbm==4.6.0 xgboost-cpu==3.2.0 numpy==2.4.6 scipy==1.17.1
    /tmp/constrained/bin/python train_constrained.py

The archive ../libraries/LIBRARY-VERSION.zip of each library then holds what train_catboost.py says, with model.txt in place of model.cbm
for LightGBM, and model.ubj and model.json for XGBoost. All numbers are float64, whatever the library computes in.
"""

import json

import lightgbm
import numpy as np
import xgboost

import archive

TRAIN, ROWS, FEATURES, EXPLAINED = 600, 60, 4, 20


files = {}  # by library, of its archive


def table(seed, n):
    rng = np.random.default_rng(seed)
    x = (np.round(rng.normal(size=(n, FEATURES)) * 32) / 32).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    v = np.nan_to_num(x)
    return x, v[:, 0] - v[:, 1] + v[:, 2] * v[:, 3] / 2 + rng.normal(size=n) / 2


def keep(library, name, shows, models, x, raw, predict, shap):
    out = files.setdefault(library, {})
    raw, predict, shap = (np.asarray(v, "<f8") for v in (raw, predict, shap))
    about = {"shows": shows, "rows": ROWS, "features": FEATURES, "outputs": raw.size // ROWS, "predict": "predict", "explained": EXPLAINED}
    if raw.ndim == 2:
        about["class"] = [int(k) for k in predict.argmax(axis=1)]
    for kind, data in models.items():
        out[f"{name}/model.{kind}"] = data
    for file, data in (("rows.f32", x), ("raw.f64", raw), ("predict.f64", predict), ("shap.f64", shap)):
        out[f"{name}/{file}"] = data.tobytes()
    out[f"{name}/about.json"] = (json.dumps(about) + "\n").encode()
    print(f"{library}/{name}: raw {raw.min():.3f} to {raw.max():.3f}")


def with_lightgbm(name, shows, y, **params):
    settings = dict(num_leaves=8, learning_rate=0.3, verbose=-1, num_threads=1, seed=7, deterministic=True, force_row_wise=True)
    booster = lightgbm.train(dict(settings, **params), lightgbm.Dataset(X, y), 6)
    head, _, tail = booster.model_to_string().partition("\nparameters:")
    text = head + "\n" + tail.partition("end of parameters\n")[2]
    booster = lightgbm.Booster(model_str=text)
    keep(f"lightgbm-{lightgbm.__version__}", name, shows, {"txt": text.encode()}, TEST, booster.predict(TEST, raw_score=True),
         booster.predict(TEST), booster.predict(TEST[:EXPLAINED], pred_contrib=True))


def with_xgboost(name, shows, y, **params):
    settings = dict(max_depth=3, eta=0.3, nthread=1, seed=7)
    booster = xgboost.train(dict(settings, **params), xgboost.DMatrix(X, y), 6)
    rows = xgboost.DMatrix(TEST)
    models = {kind: bytes(booster.save_raw(kind)) for kind in ("ubj", "json")}
    keep(f"xgboost-{xgboost.__version__}", name, shows, models, TEST, booster.predict(rows, output_margin=True), booster.predict(rows),
         booster.predict(xgboost.DMatrix(TEST[:EXPLAINED]), pred_contribs=True))


X, T = table(1, TRAIN)
TEST = table(2, ROWS)[0]
SEEN = np.array([0, 2, 5])[np.digitize(T, [-0.7, 0.7])]  # of 6 classes

with_lightgbm("monotone", "monotone constraints", T > 0, objective="binary", monotone_constraints=[1, -1, 0, 0])
with_lightgbm("monotone-advanced", "monotone constraints, advanced", T, objective="regression", monotone_constraints=[1, -1, 0, 0],
              monotone_constraints_method="advanced", monotone_penalty=0.5)
with_lightgbm("absent-classes", "classes absent in training, multiclass", SEEN, objective="multiclass", num_class=6)
with_lightgbm("absent-classes-ova", "classes absent in training, multiclassova", SEEN, objective="multiclassova", num_class=6)
with_xgboost("monotone", "monotone constraints", T > 0, objective="binary:logistic", monotone_constraints=(1, -1, 0, 0))
with_xgboost("absent-classes", "classes absent in training", SEEN, objective="multi:softprob", num_class=6)

for library, content in files.items():
    archive.write(archive.DATA / "libraries" / f"{library}.zip", content)
