"""Measures a model on what it was not trained on, by client and by request, as report.md."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import fixtures
from ablation import table as ablation
from rows import replay

FLAG_BELOW = 30
THRESHOLDS = [5, 10, 20, 30, 40]

# Models that are fitted for a table alone take one in so many of the rows that the shipped one takes.
FEWER = 4

# Whole kinds that are left out of training, one group after the other.
SITE_GROUPS = [["php", "aspnet", "jsp", "webmail"], ["blog", "news", "wiki", "forum"], ["shop", "downloads", "rest"], ["spa", "spa-remote", "mobile"]]
BOT_GROUPS = [["scanner", "prober", "injector", "form-repeater"], ["scraper", "enumerator", "price-scraper", "searcher", "crawler", "cache-buster"],
              ["stuffer", "caller", "spammer", "integration", "monitor", "feed-reader"], ["automation", "headless"],
              ["flooder", "load-tool", "impersonator", "tool", "previewer"]]


def render(model_file, data, fit, names):
    """Returns the report."""
    few, shop = data.trained.iloc[::FEWER], data.shop.iloc[::FEWER]
    worlds = pd.concat([described(data, ["--world", "any", "--seed", str(s), *length], model_file) for s, length in data.held_out_episodes()])
    zoo = unseen(data, fit, names, few, shop, "program")
    sites = unseen(data, fit, names, few, shop, "site")
    browsers = sites[(sites["side"] == "person") | sites["kind"].str.startswith("automation")]
    parts = [
        "# Figures of the default model\n",
        "Written by `train.py`. A request is flagged below 30. Scores are those of headgate as a whole,\n"
        "heuristics and model, but in the tables of kinds and of features left out, which are of models alone\n"
        "that were trained without them.\n",
        "## Simulated worlds that were not trained on\n", clients(worlds, "kind"),
        "\n## People lost at other thresholds, in the same worlds\n", thresholds(worlds),
        "\n## Recorded clients (the zoo), by intent\n",
        "The programs were parted in two halves. Each is judged by a model that was trained with the other\n"
        "one: nobody is judged by a model that has seen the program. The shipped model has seen both.\n", clients(zoo, "kind"),
        "\n## The same by disguise\n", clients(zoo, "disguise"),
        "\n## The same by program\n", clients(zoo, "program"),
        "\n## Recorded people and driven browsers on kinds of sites that the model has not seen\n",
        "The same with the kinds of sites parted in two halves: here the model knows the program, and not\n"
        "what there is to do.\n",
        clients(browsers, "kind"), clients(browsers, "disguise"), clients(browsers, "program"),
        "\n## Kinds of sites left out of training\n", left_out(data, fit, names, few, "site", SITE_GROUPS),
        "\n## Kinds of bots left out of training\n", left_out(data, fit, names, few, "kind", BOT_GROUPS),
        "\n## Families of features left out of training\n", ablation(data, fit, names, few, shop),
    ]
    return "\n".join(parts)


def unseen(data, fit, names, few, shop, by):
    """Scores each half of the recorded programs, or kinds of sites, by a model that was trained with the other one."""
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for judged in data.halves(by):
            file = Path(folder) / "half.cbm"
            fixtures.save(fit(names, few, shop, data.zoo_trained[~data.zoo_trained[by].isin(judged)]), file, "cbm")
            rows = [described(data, ["--corpus", "models/zoo/corpus", "--seed", str(s), "--interval", "50ms"], file) for s in data.zoo_seeds]
            parts += [r[r[by].isin(judged)] for r in rows]
    return pd.concat(parts)


def described(data, arguments, model_file):
    rows = replay(data.command, data.project, [*arguments, "--model", str(model_file), "--features", "ip/requests_1m"])
    return data.described(rows, " ".join(arguments))


def clients(rows, by):
    """A line for each kind: its clients and requests, what is flagged of the requests, of those after the tenth, and how many
    clients have a flagged request, and after how many."""
    lines = ["| side | " + by + " | clients | requests | requests flagged | after the 10th | clients flagged | median requests until then |",
             "|---|---|---|---|---|---|---|---|"]
    rows = rows.assign(flagged=rows["score"] < FLAG_BELOW)
    for (side, kind), r in rows.groupby(["side", by]):
        late = r[r["n"] >= 10]
        first = r[r["flagged"]].groupby("actor")["n"].min()
        lines.append(f"| {side} | {kind} | {r['actor'].nunique()} | {len(r)} | {percent(r['flagged'].mean())} | "
                     f"{percent(late['flagged'].mean()) if len(late) else '-'} | {percent(len(first) / r['actor'].nunique())} | "
                     f"{int(first.median()) + 1 if len(first) else '-'} |")
    return "\n".join(lines) + "\n"


def thresholds(rows):
    lines = ["| below | people's requests | people with one | bots' requests | bots with one |", "|---|---|---|---|---|"]
    for t in THRESHOLDS:
        cells = []
        for side in ("person", "bot"):
            r = rows[rows["side"] == side]
            cells += [percent((r["score"] < t).mean()), percent(r[r["score"] < t]["actor"].nunique() / r["actor"].nunique())]
        lines.append(f"| {t} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def left_out(data, fit, names, few, by, groups):
    """For each group a model that has not seen its kinds, on held-out rows of these."""
    lines = [f"| {by} | bots' requests flagged, after the 10th | the same by a model that has seen them | people's requests flagged |", "|---|---|---|---|"]
    seen = fit(names, few)
    for group in groups:
        test = data.held_out[data.held_out[by].isin(group) | (by == "kind") & ~data.held_out["bot"]]
        cells = []
        for model in (fit(names, few[~few[by].isin(group)]), seen):
            flagged = 99 - np.floor(99 * model.predict_proba(test[names])[:, 1]) < FLAG_BELOW
            late = (test["n"] >= 10).to_numpy()
            bot = test["bot"].to_numpy()
            cells.append((flagged[bot & late].mean(), flagged[~bot & late].mean()))
        lines.append(f"| {', '.join(group)} | {percent(cells[0][0])} | {percent(cells[1][0])} | {percent(cells[0][1])} |")
    return "\n".join(lines) + "\n"


def percent(share):
    return f"{100 * share:.1f} %"
