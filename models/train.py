"""Trains the default model of headgate. See README.md.

    python models/train.py --data ../shared/data --out models/default.cbm

It writes the model and, beside it, report.json, report.md and the fixtures in testdata/. The same data, the same
release of headgate, the same versions (requirements.txt) and the same processor architecture give the same files.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier, Pool

import features
import fixtures
import report
from labels import Crawlers, label
from rows import replay, stale

PROJECT = Path(__file__).resolve().parent.parent
LOGS = {"a": "site-a.nginx.log", "b": "site-b.nginx.log", "c": "site-c.apache.log", "d": "site-d.apache.log", "e": "site-e.apache.log"}
TRAINED_SITES = "abcd"  # of site-e no time of day holds, so it only tests

# Simulated traffic: how long, with which seeds, and every how many-th row is kept. Held-out seeds are 1001 and up.
TRAINED = [("120s", range(1, 5), 1), ("30s", range(11, 31), 1), ("720s", range(31, 33), 6)]
HELD_OUT = ("15s", range(1001, 1013))
HELD_OUT_LONG = ("720s", range(1021, 1022))

PARAMETERS = dict(iterations=60, depth=6, learning_rate=0.3, border_count=48, l2_leaf_reg=5, grow_policy="SymmetricTree",
                  boosting_type="Plain", bootstrap_type="Bernoulli", subsample=0.7, rsm=0.5, loss_function="Logloss",
                  random_seed=1, thread_count=2, verbose=0, allow_writing_files=False)
LOG_WEIGHT = 0.3     # of the logs in the total; the simulator has the rest
PERSON_WEIGHT = 1.7  # of a person's request against a bot's: to flag a person is the worse mistake
BOT_LABELS = ["crawler", "probe"]


class Data:
    """All rows there are, labelled: logs by site, simulated traffic by what it is for."""

    def __init__(self, folder, command):
        def simulate(duration, seeds, step=1):
            return [self.tidy(replay(command, PROJECT, ["--simulate", duration, "--seed", str(s), *wanted])).iloc[::step] for s in seeds]

        wanted = ["--features", ",".join(features.CANDIDATES)]
        crawlers = Crawlers(folder / "labels")
        self.logs = {}
        for site, name in LOGS.items():
            rows = replay(command, PROJECT, [str(folder / "logs" / name), *wanted])
            rows["label"] = label(rows, crawlers)
            rows["bot"] = rows["label"].isin(BOT_LABELS)
            self.logs[site] = rows
        simulated = [rows for t in TRAINED for rows in simulate(*t)]
        self.simulated = pd.concat(simulated + self.perturbed(simulated))
        self.held_out = simulate(*HELD_OUT)
        self.held_out_long = simulate(*HELD_OUT_LONG)

    @staticmethod
    def tidy(rows):
        rows["bot"] = rows["truth"].str.startswith("bot:")
        return rows

    @staticmethod
    def perturbed(simulated):
        """Gives the cold starts again as they might be live: publications up to 2 s late, and some links with the campaign
        parameters that the simulator has none of, whoever follows them."""
        rng = np.random.default_rng(1)
        again = []
        for rows in simulated:
            if rows["at"].iloc[-1] - rows["at"].iloc[0] > 60:
                continue
            late = stale(rows, rng.uniform(0, 2, len(rows)))
            tagged = (rng.random(len(rows)) < 0.1) & (late["request/path_kind"] == 0).to_numpy()
            late.loc[tagged, "request/query_length"] = rng.integers(40, 200, tagged.sum()).astype(np.float32)
            again.append(late)
        return again

    def labelled(self, sites, without=()):
        """Gives the labelled rows of the sites, without those of some clients."""
        rows = pd.concat([self.logs[s] for s in sites])
        return rows[(rows["label"] != "") & ~rows["client"].isin(without)]


def log_weights(rows):
    """Weighs labelled rows so that people and bots come to the same, and so that a client with a thousand requests counts
    for thirty times one with one, not for a thousand times."""
    w = rows.groupby("client")["client"].transform("size").to_numpy() ** -0.5
    bot = rows["bot"].to_numpy()
    for side in (bot, ~bot):
        w[side] *= 0.5 / w[side].sum()
    return w


def fit(data, names, sites=TRAINED_SITES, without=(), simulated=True):
    """Trains on simulated traffic and on the labelled rows of the sites."""
    parts, weights = [], []
    if simulated:
        parts.append(data.simulated)
        weights.append(np.full(len(data.simulated), (1 - LOG_WEIGHT) / len(data.simulated)))
    if sites:
        parts.append(data.labelled(sites, without))
        weights.append(log_weights(parts[-1]) * LOG_WEIGHT)
    bot = np.concatenate([p["bot"].to_numpy(bool) for p in parts])
    weight = np.concatenate(weights) * np.where(bot, 1, PERSON_WEIGHT)
    x = np.vstack([p[names].to_numpy(np.float32) for p in parts])
    model = CatBoostClassifier(**PARAMETERS)
    model.fit(Pool(x, bot.astype(int), weight=weight * len(weight) / weight.sum(), feature_names=names))
    return model


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True, help="folder with logs/ and labels/")
    arguments.add_argument("--out", type=Path, required=True, help="the model, .cbm")
    arguments.add_argument("--headgate", default="go run ./cmd/headgate", help="command, run in the project's folder")
    arguments.add_argument("--only-model", action="store_true", help="no report and no fixtures")
    a = arguments.parse_args()

    data = Data(a.data.resolve(), a.headgate)
    model = fit(data, features.DEFAULT)
    fixtures.save(model, a.out, "cbm")
    print(f"{a.out}: {a.out.stat().st_size} bytes, {model.tree_count_} trees, {len(features.DEFAULT)} features", file=sys.stderr)
    if a.only_model:
        return
    fixtures.write(model, data, features.DEFAULT, a.out.parent / "testdata")
    figures = report.measure(model, data, fit)
    (a.out.parent / "report.json").write_text(json.dumps(figures, indent=1) + "\n")
    text = report.render(figures)
    (a.out.parent / "report.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
