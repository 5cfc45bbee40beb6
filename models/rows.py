"""Rows of features, as `headgate replay` writes them."""

import ipaddress
import shlex
import subprocess
import tempfile
from pathlib import Path

import numpy as np
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
    rows = rows.copy()  # one block of memory instead of a hundred
    rows["at"] = pd.to_datetime(rows["time"], format="ISO8601", utc=True).astype("datetime64[ns, UTC]").astype("int64") / 1e9
    return rows


TRUTH = ["side", "kind", "program", "disguise", "site", "actor"]


def truth(rows):
    """Returns the six parts of the truth of simulated worlds and of recorded clients as columns: person or bot, kind of
    client, what sent its requests, how it hid, kind of the site, and the client, which may have several addresses."""
    parts = rows["truth"].str.split(":", n=len(TRUTH) - 1, expand=True)
    parts.columns = TRUTH
    return parts


def network(client):
    """Gives the network of an address as package traffic has it: IPv4 /24, IPv6 /48."""
    address = ipaddress.ip_address(client)
    return int(address) >> (8 if address.version == 4 else 80)


def stale(rows, seconds):
    """Gives the rows as they would be if every publication were late: each inter-request feature is that of the same key's
    last request at least so many seconds (one number, or one for each row) before, and unknown where there is none.
    """
    late = rows.copy()
    keys = {
        "ip": rows["client"],
        "net": rows["client"].map({c: network(c) for c in rows["client"].unique()}),
        "ua": rows["user_agent"],
        "ip_ua": rows["client"] + " " + rows["user_agent"],
    }
    seconds = np.broadcast_to(seconds, len(rows))
    for dimension, key in keys.items():
        columns = [c for c in rows.columns if c.startswith(dimension + "/")]
        if columns:
            values = rows[columns].to_numpy(np.float32)
            last = last_before(pd.factorize(key)[0], rows["at"].to_numpy(), seconds)
            late[columns] = np.where((last >= 0)[:, None], values[last], np.float32("nan"))
    return late


def last_before(key, at, seconds):
    """Gives for each row the index of its key's last row that is so many seconds older, or -1."""
    last = np.full(len(key), -1)
    order = np.argsort(key, kind="stable")  # rows come by time
    bounds = np.flatnonzero(np.diff(key[order], prepend=-1, append=-1))
    for begin, end in zip(bounds[:-1], bounds[1:]):
        group = order[begin:end]
        times = at[group]
        n = np.searchsorted(times, times - seconds[group], side="right")
        last[group] = np.where(n > 0, group[np.maximum(n - 1, 0)], -1)
    return last
