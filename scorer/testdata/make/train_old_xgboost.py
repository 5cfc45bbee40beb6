#!/usr/bin/env python3
"""Trains small models with an XGBoost release before 1.3, then lets a later release read them.

    ./train_forests.sh old    # with 1.0.2, 1.1.1 and 1.2.1, then 3.2.0

A model NAME of release VERSION gives in testdata/xgboost-old.zip

    VERSION/NAME.json    as that release saves it
    VERSION/NAME.own     the untransformed outputs of that release itself, which has read the file: float32, little endian
    VERSION/NAME.later   those of the later one

and rows.f32 are the rows, of WIDTH values. Releases before 1.3 add the base score to the sum of the leaves, later ones begin with it,
which rounds in other places. Those before 1.2 write the base score with six digits after the point.
"""

import pathlib
import sys

import numpy as np
import xgboost

import archive

ARCHIVE = archive.DATA / "xgboost-old.zip"
WIDTH = 5
EARLY = tuple(map(int, xgboost.__version__.split(".")[:2])) < (1, 3)


def load(data, scratch):
    scratch.write_bytes(data)
    return xgboost.Booster(model_file=str(scratch))


def main(scratch):
    files = archive.read(ARCHIVE)
    rng = np.random.default_rng(20261130)
    x = rng.normal(size=(1200, WIDTH)).astype("<f4")
    x[rng.random(x.shape) < 0.1] = np.nan
    y = np.nan_to_num(x[:, 0] * 2 + np.sin(x[:, 1] * 3)) + rng.normal(size=len(x)) * 0.5
    rows = x[:100]
    files["rows.f32"] = rows.tobytes()
    outputs = lambda model: np.asarray(model.predict(xgboost.DMatrix(rows), output_margin=True), "<f4").tobytes()

    def fit(name, label, **settings):
        b = xgboost.train(dict(max_depth=3, eta=0.3, nthread=1, **settings), xgboost.DMatrix(x, label), 8)
        b.save_model(str(scratch))
        at = xgboost.__version__ + "/" + name
        files[at + ".json"] = scratch.read_bytes()
        files[at + ".own"] = outputs(load(files[at + ".json"], scratch))

    if EARLY:
        fit("logistic", y > 0, objective="binary:logistic")
        fit("logistic-base", y > 0, objective="binary:logistic", base_score=0.0123456789)
        fit("squarederror", y, objective="reg:squarederror", base_score=0.123456789)
        fit("poisson", np.exp(y / 4), objective="count:poisson", base_score=1.7)
        fit("softprob", np.digitize(y, [-1, 1]), objective="multi:softprob", num_class=3)
    else:
        for name in [n for n in files if n.endswith(".json")]:
            files[name[:-5] + ".later"] = outputs(load(files[name], scratch))
    archive.write(ARCHIVE, files)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
