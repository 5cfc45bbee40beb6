"""Measures the default model and words the result."""

import numpy as np
import pandas as pd

import features
from rows import stale

FLAG_BELOW = 30  # scores below are flagged, as headgate does by default
SITES = "abcde"


def flagged(model, rows):
    """Gives the probabilities of a bot, and which rows get a score below FLAG_BELOW."""
    p = model.predict_proba(rows[model.feature_names_].to_numpy(np.float32))[:, 1]
    return p, np.maximum(1, 99 - np.floor(99 * p)) < FLAG_BELOW


def auc(bot, p):
    """Gives the area under the ROC curve: how often a bot's request has the higher probability than a person's."""
    ranks = pd.Series(p).rank().to_numpy()
    n = bot.sum()
    return float((ranks[bot].sum() - n * (n + 1) / 2) / (n * (len(bot) - n)))


def percent(flags):
    return round(100 * float(np.mean(flags)), 1) if len(flags) else None


def by_episode(model, episodes):
    """Gives the flagged shares of bots' and of people's requests, over all episodes and in the worst of them."""
    shares = []
    for rows in episodes:
        bot, (_, flags) = rows["bot"].to_numpy(), flagged(model, rows)
        shares.append((percent(flags[bot]), percent(flags[~bot])))
    rows = pd.concat(episodes)
    bot, (p, flags) = rows["bot"].to_numpy(), flagged(model, rows)
    return {"episodes": len(episodes), "requests": len(rows), "bots": percent(flags[bot]), "people": percent(flags[~bot]),
            "bots_worst": min(s[0] for s in shares), "people_worst": max(s[1] for s in shares), "auc": round(auc(bot, p), 4)}


def by_kind(model, episodes):
    """Gives the flagged share of each kind, before and after its client's features are first known."""
    rows = pd.concat(episodes)
    rows = rows.assign(flagged=flagged(model, rows)[1], cold=rows["ip/requests_1m"].isna())
    return {kind: {"requests": len(g), "flagged": percent(g["flagged"]), "cold": percent(g["flagged"][g["cold"]]),
                   "warm": percent(g["flagged"][~g["cold"]])} for kind, g in rows.groupby("truth")}


def on_logs(model, rows):
    """Gives the flagged shares of a log's labelled requests by label, and the area under the curve."""
    p, flags = flagged(model, rows)
    result = {name: {"requests": int(n), "clients": int(rows["client"][own].nunique()), "flagged": percent(flags[own])}
              for name in ["crawler", "probe", "human"] for own in [(rows["label"] == name).to_numpy()] for n in [own.sum()]}
    return {"auc": round(auc(rows["bot"].to_numpy(bool), p), 3), **result}


def measure(model, data, fit):
    """Gives all figures. It trains a model for each site held out and for each variant."""
    late = [stale(rows, 1.0) for rows in data.held_out]
    later = [stale(rows, 2.0) for rows in data.held_out]
    importance = sorted(zip(model.feature_names_, model.feature_importances_), key=lambda x: -x[1])
    figures = {
        "trees": model.tree_count_, "features": model.feature_names_,
        "labels": {s: {name or "unknown": {"requests": len(g), "clients": int(g["client"].nunique()),
                                           "largest": percent(g["client"] == g["client"].mode()[0])}
                       for name, g in data.logs[s].groupby("label")} for s in SITES},
        "simulator": {"on time": by_episode(model, data.held_out), "1 s late": by_episode(model, late),
                      "2 s late": by_episode(model, later), "12 minutes": by_episode(model, data.held_out_long)},
        "kinds": by_kind(model, data.held_out),
        "kinds_late": by_kind(model, later),
        "sites": {}, "variants": {},
        "importance": {name: round(float(v), 1) for name, v in importance},
    }
    for site in SITES:
        held = data.labelled(site)
        others = "".join(s for s in "abcd" if s != site)
        figures["sites"][site] = on_logs(fit(data, features.DEFAULT, others, held["client"].unique()), held)
    variants = {name: (names, {}) for name, names in features.variants().items()}
    variants["simulator alone"] = (features.DEFAULT, {"sites": ""})
    variants["logs alone"] = (features.DEFAULT, {"simulated": False})
    for name, (names, how) in variants.items():
        m = model if name == "default" else fit(data, names, **how)
        figures["variants"][name] = {"features": len(names), "on time": by_episode(m, data.held_out),
                                     "2 s late": by_episode(m, later), "e": on_logs(m, data.labelled("e"))}
    return figures


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join("" if v is None else str(v) for v in row) + " |" for row in rows])


def render(f):
    """Words the figures as Markdown."""
    labels = ["crawler", "probe", "human"]
    parts = [
        "# What the default model was measured on",
        "Written by `python models/train.py --data ../shared/data --out models/default.cbm`. Shares are percent of requests with a"
        f" score below {FLAG_BELOW}. {f['trees']} trees, {len(f['features'])} features.",
        "## Simulated traffic, seeds not trained on",
        "Every request counts, each client's first ones too. *Late* repeats the episodes as if each publication came later.",
        table(["traffic", "episodes", "requests", "bots flagged", "in the worst episode", "people flagged", "in the worst episode", "AUC"],
              [[n, s["episodes"], s["requests"], s["bots"], s["bots_worst"], s["people"], s["people_worst"], s["auc"]]
               for n, s in f["simulator"].items()]),
        "The same 15 s by kind; *cold* are requests before anything was published of their address.",
        table(["kind", "requests", "flagged", "cold", "warm", "flagged, 2 s late"],
              [[k, v["requests"], v["flagged"], v["cold"], v["warm"], f["kinds_late"][k]["flagged"]] for k, v in f["kinds"].items()]),
        "## Logs, each site held out",
        "Trained on the simulator and on sites a to d without the site and without the clients that occur in it. Labels are weak.",
        table(["site", "AUC", *(f"{n}: requests (clients)" for n in labels), *(f"{n} flagged" for n in labels)],
              [[s, v["auc"], *(f"{v[n]['requests']} ({v[n]['clients']})" for n in labels), *(v[n]["flagged"] for n in labels)]
               for s, v in f["sites"].items()]),
        "Weak labels by site: requests (addresses; share of the largest address in percent).",
        table(["site", *labels, "unknown"],
              [[s, *(f"{v[n]['requests']} ({v[n]['clients']}; {v[n]['largest']})" if n in v else 0 for n in [*labels, "unknown"])]
               for s, v in f["labels"].items()]),
        "## Other sets of features, other training data",
        "Trained with the same parameters. Site-e is never trained on.",
        table(["variant", "features", "bots", "people", "bots, 2 s late", "people, 2 s late", "AUC on e", *(f"e: {n}" for n in labels)],
              [[n, v["features"], v["on time"]["bots"], v["on time"]["people"], v["2 s late"]["bots"], v["2 s late"]["people"],
                v["e"]["auc"], *(v["e"][x]["flagged"] for x in labels)] for n, v in f["variants"].items()]),
        "## Features by importance",
        "CatBoost's PredictionValuesChange, percent.",
        table(["feature", "importance"], list(f["importance"].items())),
    ]
    return "\n\n".join(parts) + "\n"
