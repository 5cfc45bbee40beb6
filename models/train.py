"""Trains the default model of headgate. See README.md.

    python models/train.py --out models/default.cbm

It writes the model and, beside it, report.md and the fixtures in testdata/. The same release of headgate, the same
versions (requirements.txt) and the same processor architecture give the same files. --rows keeps the rows, so that a
second run need not make them again.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier, Pool

import features
import fixtures
import report
from rows import replay, truth

PROJECT = Path(__file__).resolve().parent.parent

# Simulated worlds: seeds from 1 are trained on, those from 1001 are held out. An episode is dense and short or thin and long.
TRAINED, HELD_OUT = range(1, 241), range(1001, 1041)
LENGTHS = [["--for", "10m"], ["--for", "20m"], ["--for", "40m"], ["--for", "8h", "--rate", "0.7"]]
# The quick start's shop, and how the runs of the recorded clients are mixed.
SHOP_TRAINED, ZOO_TRAINED, ZOO_HELD_OUT = range(1, 7), range(1, 5), range(1001, 1003)

PARAMETERS = dict(iterations=120, depth=6, learning_rate=0.18, border_count=48, l2_leaf_reg=8, grow_policy="SymmetricTree",
                  boosting_type="Plain", bootstrap_type="Bernoulli", subsample=0.7, rsm=0.4, loss_function="Logloss",
                  random_seed=1, thread_count=2, verbose=0, allow_writing_files=False)
PERSON_WEIGHT = 2.3  # of all people against all bots: to flag a person is the worse mistake
KIND_WEIGHT = {"office": 1.6,  # many people behind one address look like one busy client
               "flooder": 2}  # who comes back after a flood is rare, and is to be remembered
SHOP_WEIGHT = 0.12   # of the quick start's shop in the total
ZOO_WEIGHT = 0.2     # of the recorded clients

# Where more can only make it more likely that this is a bot, whatever else is so (1), or less likely (-1).
PLAIN_SENSE = {
    "not_found_streak": 1, "not_found_share_10m": 1, "not_found_excess_10m": 1, "unshared_excess_10m": 1, "auth_failures_10m": 1,
    "posts_repeated_10m": 1, "peak_requests_10s": 1, "peak_client_errors_1m": 1, "new_agent_share_10m": 1, "new_address_share_10m": 1,
    "new_address_excess_10m": 1,
    "version_lag": 1, "agent_oddities": 1, "tls_alpn_odd": 1, "hints_missing": 1, "hints_version_odd": 1, "hints_brand_odd": 1,
    "hints_platform_odd": 1, "fetch_odd": 1, "fetch_path_odd": 1, "fetch_missing": 1, "accept_odd": 1, "encodings_old": 1,
    "priority_missing": 1, "path_special": 1, "path_dots": 1, "links_followed_share_10m": -1, "program_share_24h": -1, "client_share_24h": -1,
}

# How a client changes its address or its user agent, in the words of its disguise: who does counts as a kind of its own, since
# it is rare.
REACH = r"\b(network|prefix|swarm|agents|made-up)\b"

# Rows of one client, and clients of one kind, that are kept of an episode.
CLIENT_ROWS, FIRST_ROWS, KIND_CLIENTS = 50, 12, 60
EVERY = 3  # of these that are left of the worlds one in so many is trained on: all of them teach no more


class Data:
    """All rows there are, by what they are for. Each has the truth in columns, and n, the client's requests before it."""

    project = PROJECT

    def __init__(self, command, folder, names):
        self.command, self.folder, self.names = command, folder, names
        self.trained = pd.concat([self.world(s).iloc[::EVERY] for s in TRAINED], ignore_index=True)
        self.held_out = pd.concat([self.world(s) for s in HELD_OUT], ignore_index=True)
        self.shop = pd.concat([self.simulated(s) for s in SHOP_TRAINED], ignore_index=True)
        self.zoo_trained = pd.concat([self.zoo(s) for s in ZOO_TRAINED], ignore_index=True)
        self.zoo_held_out = pd.concat([self.zoo(s) for s in ZOO_HELD_OUT], ignore_index=True)
        self.zoo_seeds = ZOO_HELD_OUT

    def world(self, seed):
        return self.made(f"world-{seed}", ["--world", "any", "--seed", str(seed), *LENGTHS[seed % len(LENGTHS)]])

    def simulated(self, seed):
        return self.made(f"shop-{seed}", ["--simulate", "60s", "--seed", str(seed), "--interval", ["50ms", "1s"][seed % 2]])

    def zoo(self, seed):
        return self.made(f"zoo-{seed}", ["--corpus", "models/zoo/corpus", "--seed", str(seed), "--interval", ["50ms", "1s"][seed % 2]])

    @staticmethod
    def held_out_episodes():
        return [(s, LENGTHS[s % len(LENGTHS)]) for s in HELD_OUT]

    @staticmethod
    def described(rows, episode):
        return described(rows, episode)

    def halves(self, by):
        """Parts the recorded programs of each side, or the kinds of sites, in two: a model that has seen one half is judged by
        the other."""
        zoo = self.zoo_trained
        sides = [zoo["side"] == side for side in ("bot", "person")] if by == "program" else [zoo["side"] != ""]
        values = [sorted(zoo.loc[side, by].unique()) for side in sides]
        return [{v for side in values for v in side[half::2]} for half in (0, 1)]

    def made(self, name, arguments):
        kept = self.folder / (name + ".pickle")
        if kept.exists():
            return pd.read_pickle(kept)
        rows = replay(self.command, PROJECT, [*arguments, "--features", ",".join(self.names)])
        rows = thinned(described(rows, name))
        rows.to_pickle(kept)
        print(f"{name}: {len(rows)} rows", file=sys.stderr)
        return rows


def described(rows, episode):
    """Adds what the truth says, and of how many requests of its client a row is the last."""
    if rows["truth"].str.count(":").max() < 2:  # the shop: side and kind
        parts = rows["truth"].str.split(":", expand=True).set_axis(["side", "kind"], axis=1)
        rows = rows.assign(**parts, program="", disguise="", site="quickstart", actor=rows["client"])
    else:
        rows = rows.assign(**truth(rows))
    actor = episode + ":" + rows["kind"] + ":" + rows["actor"]
    return rows.assign(bot=rows["side"] == "bot", actor=actor, n=rows.groupby(actor).cumcount())


def thinned(rows):
    """Keeps some clients of each kind, and of each its first requests and some of the others."""
    rng = np.random.default_rng(len(rows))
    actors = rows[["actor", "kind"]].drop_duplicates()
    actors = actors.sample(frac=1, random_state=1).groupby("kind").head(KIND_CLIENTS)["actor"]
    size = rows.groupby("actor")["n"].transform("size")
    keep = rows["actor"].isin(actors) & ((rows["n"] < FIRST_ROWS) | (rng.random(len(rows)) < CLIENT_ROWS / size))
    columns = [c for c in rows.columns if "/" in c] + ["side", "kind", "program", "disguise", "site", "actor", "bot", "n", "score", "finding"]
    return rows.loc[keep, columns].reset_index(drop=True)


def weights(rows):
    """Weighs rows so that each kind of bot comes to about the same, a client with many requests counts for little more than one
    with few, and people to PERSON_WEIGHT times the bots."""
    size = rows.groupby("actor")["n"].transform("size").to_numpy(float)
    w = np.minimum(size, 20) / size
    bot = rows["bot"].to_numpy()
    kinds = rows["kind"] + rows["bot"].astype(str) + rows["disguise"].str.extract(REACH, expand=False).fillna("")
    w /= np.sqrt(pd.Series(w).groupby(kinds.to_numpy()).transform("sum").to_numpy())
    w *= rows["kind"].map(KIND_WEIGHT).fillna(1).to_numpy()
    w[bot] *= 1 / w[bot].sum()
    w[~bot] *= PERSON_WEIGHT / w[~bot].sum()
    return w / w.sum()


def fit(names, rows, shop=None, zoo=None):
    """Trains on rows of worlds, and of the quick start's shop and of recorded clients where they are given."""
    parts = [p for p in (rows, shop, zoo) if p is not None]
    shares = [1 - SHOP_WEIGHT - ZOO_WEIGHT, SHOP_WEIGHT, ZOO_WEIGHT]
    weight = np.concatenate([weights(p) * share for p, share in zip(parts, shares)])
    x = np.vstack([p[names].to_numpy(np.float32) for p in parts])
    bot = np.concatenate([p["bot"].to_numpy(int) for p in parts])
    sense = [PLAIN_SENSE.get(n.split("/")[1], 0) for n in names]
    model = CatBoostClassifier(**PARAMETERS, monotone_constraints=sense)
    model.fit(Pool(x, bot, weight=weight * len(weight), feature_names=names))
    return model


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, required=True, help="the model, .cbm")
    arguments.add_argument("--headgate", default="go run ./cmd/headgate", help="command, run in the project's folder")
    arguments.add_argument("--rows", type=Path, help="folder that rows are kept in and taken from")
    arguments.add_argument("--only-model", action="store_true", help="no report and no fixtures")
    a = arguments.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = a.rows or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        data = Data(a.headgate, folder.resolve(), features.DEFAULT)
        model = fit(features.DEFAULT, data.trained, data.shop, data.zoo_trained)
        fixtures.save(model, a.out, "cbm")
        print(f"{a.out}: {a.out.stat().st_size} bytes, {model.tree_count_} trees, {len(features.DEFAULT)} features", file=sys.stderr)
        if a.only_model:
            return
        fixtures.write(model, data.held_out, features.DEFAULT, a.out.parent / "testdata")
        text = report.render(a.out.resolve(), data, fit, features.DEFAULT)
        (a.out.parent / "report.md").write_text(text)
        print(text)


if __name__ == "__main__":
    main()
