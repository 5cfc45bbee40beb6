"""Rows of features, as `headgate replay` writes them."""

import shlex
import subprocess
import tempfile
from pathlib import Path

import pandas as pd

IDENTITY = ["line", "time", "client", "method", "host", "path", "query_length", "http_version", "status", "bytes", "referer",
            "user_agent", "cut", "truth", "score", "finding"]
NUMBERS = {"line": "int64", "query_length": "int64", "http_version": "int64", "status": "int64", "bytes": "int64", "score": "int64"}


def replay(command, project, arguments):
    """Runs `headgate replay` with the arguments and gives its rows."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.csv"
        subprocess.run([*shlex.split(command), "replay", *arguments, "--out", str(out)], cwd=project, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return read(out)


def read(name):
    # Bytes of a request that are no UTF-8 stay as they are; Latin-1 takes any.
    columns = pd.read_csv(name, nrows=0, encoding="latin-1").columns
    features = [c for c in columns if c not in IDENTITY]
    types = {c: NUMBERS.get(c, "str") for c in IDENTITY} | {c: "float32" for c in features}
    rows = pd.read_csv(name, encoding="latin-1", dtype=types, keep_default_na=False, na_values={c: ["NaN"] for c in features},
                       float_precision="round_trip")
    return rows.copy()  # one block of memory instead of a hundred


TRUTH = ["side", "kind", "program", "disguise", "site", "actor"]


def truth(rows):
    """Returns the six parts of the truth of simulated worlds and of recorded clients as columns: person or bot, kind of
    client, what sent its requests, how it hid, kind of the site, and the client, which may have several addresses."""
    parts = rows["truth"].str.split(":", n=len(TRUTH) - 1, expand=True)
    parts.columns = TRUTH
    return parts
