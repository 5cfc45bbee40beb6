#!/usr/bin/env python3
"""Trains the model of testdata/skipped-tables.zip: target statistics whose tables CatBoost 1.2.8 was told to leave out."""

import pathlib
import tempfile

import catboost
import numpy as np

import archive

rng = np.random.default_rng(0)
x = np.array([[rng.normal(), str(rng.integers(20))] for _ in range(300)], dtype=object)
y = (rng.random(300) > 0.5).astype(int)
m = catboost.CatBoostClassifier(iterations=3, depth=3, thread_count=1, verbose=False, allow_writing_files=False, one_hot_max_size=2,
                                final_ctr_computation_mode="Skip")
m.fit(x, y, cat_features=[1])
files = {}
with tempfile.TemporaryDirectory() as folder:
    for name, format in (("m.cbm", "cbm"), ("m.json", "json")):
        path = pathlib.Path(folder) / name
        m.save_model(str(path), format=format)
        files[name] = path.read_bytes()
archive.write(archive.DATA / "skipped-tables.zip", files)
