#!/usr/bin/env python3
"""Prints how the installed version of LightGBM or XGBoost explains the models of ../lightgbm or ../xgboost, which it trained.

    ./train_forests.sh            # after it has trained the models
    ./train_forests.sh explain    # of the models that are there

A model NAME gives a file in testdata/contributions/LIBRARY-VERSION.zip:

    NAME.f64 (LightGBM), NAME.f32 (XGBoost)   pred_contrib or pred_contribs of every STEPth row: for each row and output, a value for
                                              each feature and the average, little endian
"""

import pathlib
import sys

import numpy as np

try:
    import lightgbm as library
except ImportError:
    import xgboost as library

import archive

WIDTH, ROWS, STEP = 8, 200, 17


def lightgbm(data, rows):
    booster = library.Booster(model_str=data.decode())
    raw = booster.predict(rows, raw_score=True)
    return raw, np.asarray(booster.predict(rows, pred_contrib=True), "<f8")


def xgboost(data, rows):
    booster = library.Booster()
    booster.load_model(bytearray(data))
    pool = library.DMatrix(rows, feature_names=booster.feature_names, feature_types=booster.feature_types,
                           enable_categorical=True)
    raw = booster.predict(pool, output_margin=True)
    return raw, np.asarray(booster.predict(pool, pred_contribs=True), "<f4")


def main():
    name, version = library.__name__, library.__version__
    # The JSON fixtures of XGBoost lack what explanations need.
    explain, model, kind, within = dict(lightgbm=(lightgbm, ".txt", ".f64", 1e-10),
                                        xgboost=(xgboost, ".ubj", ".f32", 1e-4))[name]
    out = {}
    files = archive.read(archive.DATA / name / f"{version}.zip")
    for file in files:
        fixture = pathlib.Path(file)
        # LightGBM explains linear trees by the constants that they also have, and XGBoost no vector leaves at all.
        if fixture.suffix != model or fixture.stem.startswith(("linear", "vector")):
            continue
        table = "rows-neighbours.f32" if fixture.stem == "neighbours" else "rows.f32"
        rows = np.frombuffer(files[table], "<f4").reshape(ROWS, WIDTH)[::STEP]
        raw, values = explain(files[file], rows)
        sums = values.reshape(raw.shape + (WIDTH + 1,)).sum(axis=-1)
        assert np.abs(sums - raw).max() <= within, fixture
        out[fixture.stem + kind] = values.tobytes()
    archive.write(archive.DATA / "contributions" / f"{name}-{version}.zip", out)
    print(f"{name} {version}: {len(out)} models explained")


if __name__ == "__main__":
    sys.exit(main())
