"""Saves models in a form that depends on the training alone, and ties them to CatBoost's own results."""

import csv
import gzip
import io
import tempfile
from pathlib import Path

import numpy as np

ROWS = 1000


def save(model, name, form):
    """Saves a model as "cbm" or "json", without what would make each training another file."""
    about = model.get_metadata()
    about["train_finish_time"] = about["model_guid"] = ""
    model.save_model(str(name), format=form)


def write(model, held_out, names, folder):
    """Writes rows of simulated traffic that the model was not trained on, CatBoost's raw results for them, and the model as JSON."""
    folder.mkdir(exist_ok=True)
    x = held_out.sample(ROWS, random_state=1)[names].to_numpy(np.float32)
    raw = model.predict(x, prediction_type="RawFormulaVal")
    write_csv(folder / "default_rows.csv.gz", names, [["" if np.isnan(v) else str(v) for v in row] for row in x])
    write_csv(folder / "default_raw.csv.gz", ["raw"], [[repr(float(v))] for v in raw])
    with tempfile.TemporaryDirectory() as temporary:
        save(model, Path(temporary) / "model.json", "json")
        write_gzip(folder / "default.json.gz", (Path(temporary) / "model.json").read_bytes())


def write_csv(name, header, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_gzip(name, text.getvalue().encode())


def write_gzip(name, content):
    """Writes without the time and the name, so that the same content gives the same bytes."""
    with open(name, "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(content)
