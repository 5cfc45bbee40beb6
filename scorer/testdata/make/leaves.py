#!/usr/bin/env python3
"""Asks the installed version of a library which leaf of each tree the rows fall into, for the models of it that are in testdata.

    python3 leaves.py catboost | lightgbm | xgboost

A model gives a file in testdata/leaves/LIBRARY-VERSION.zip:

    NAME.u16    calc_leaf_indexes (CatBoost), pred_leaf (LightGBM, XGBoost) of every STEPth row: for each row a number for each
                tree, little endian. CatBoost is asked for both of its formats, as NAME.cbm and NAME.json.
"""

import importlib
import json
import pathlib
import sys
import tempfile

import numpy as np

import archive

DATA = archive.DATA
WIDTH, ROWS, STEP = 8, 200, 9


def catboost(library):
    """Yields the name of each model and the leaves of its rows."""
    files = archive.read(DATA / "libraries" / f"catboost-{library.__version__}.zip")
    for name in sorted(file.split("/")[0] for file in files if file.endswith("/about.json")):
        about = json.loads(files[f"{name}/about.json"])
        if about.get("refused"):
            continue
        rows = np.frombuffer(files[f"{name}/rows.f32"], "<f4").reshape(about["rows"], about["features"])[::STEP]
        positions = about.get("categorical") or []
        table = [[float(v) for v in row] for row in rows]
        if positions:
            for row, values in zip(table, json.loads(files[f"{name}/cats.json"])[::STEP]):
                for at, value in zip(positions, values):
                    row[at] = value
        pool = library.Pool(table, cat_features=positions or None)
        for kind in ("cbm", "json"):
            data = files.get(f"{name}/model.{kind}")
            if data is None:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                file = pathlib.Path(scratch) / "model"
                file.write_bytes(data)
                model = library.CatBoost()
                model.load_model(str(file), format=kind)
            try:
                yield f"{name}.{kind}", model.calc_leaf_indexes(pool)
            except Exception as refusal:
                print(f"{name}.{kind}: {refusal}", file=sys.stderr)


def forests(library, suffixes, predict):
    files = archive.read(DATA / library.__name__ / f"{library.__version__}.zip")
    for file in sorted(files):
        fixture = pathlib.Path(file)
        if fixture.suffix not in suffixes:
            continue
        table = "rows-neighbours.f32" if fixture.stem == "neighbours" else "rows.f32"
        rows = np.frombuffer(files[table], "<f4").reshape(ROWS, WIDTH)[::STEP]
        yield fixture.stem, predict(files[file], rows)


def lightgbm(library):
    return forests(library, (".txt",), lambda data, rows: library.Booster(model_str=data.decode()).predict(rows, pred_leaf=True))


def xgboost(library):
    def predict(data, rows):
        booster = library.Booster()
        booster.load_model(bytearray(data))
        pool = library.DMatrix(rows, feature_names=booster.feature_names, feature_types=booster.feature_types,
                               enable_categorical=True)
        return booster.predict(pool, pred_leaf=True)

    return forests(library, (".ubj",), predict)


def main():
    name = sys.argv[1]
    library = importlib.import_module(name)
    out = {}
    for model, leaves in {"catboost": catboost, "lightgbm": lightgbm, "xgboost": xgboost}[name](library):
        leaves = np.asarray(leaves)
        narrow = leaves.astype("<u2")
        assert (narrow == leaves).all(), model
        out[f"{model}.u16"] = narrow.tobytes()
    archive.write(DATA / "leaves" / f"{name}-{library.__version__}.zip", out)
    print(f"{name} {library.__version__}: {len(out)} models")


if __name__ == "__main__":
    sys.exit(main())
