"""Measures a model on what it was not trained on, by client and by request, as report.md."""

import numpy as np
import pandas as pd

from rows import replay

FLAG_BELOW = 30
THRESHOLDS = [5, 10, 20, 30, 40]

# Whole kinds that are left out of training, one group after the other.
SITE_GROUPS = [["php", "aspnet", "jsp", "webmail"], ["blog", "news", "wiki", "forum"], ["shop", "downloads", "rest"], ["spa", "spa-remote", "mobile"]]
BOT_GROUPS = [["scanner", "prober", "injector", "form-repeater"], ["scraper", "enumerator", "price-scraper", "searcher", "crawler", "cache-buster"],
              ["stuffer", "caller", "spammer", "integration", "monitor", "feed-reader"], ["automation", "headless"],
              ["flooder", "load-tool", "impersonator", "tool", "previewer"]]


def render(model_file, data, fit, names):
    """Returns the report."""
    worlds = [described(data, ["--world", "any", "--seed", str(s), *length], model_file) for s, length in data.held_out_episodes()]
    zoo = pd.concat([described(data, ["--corpus", "models/zoo/corpus", "--seed", str(s), "--interval", "50ms"], model_file)
                     for s in data.zoo_seeds])
    zoo = zoo[zoo["program"].isin(data.held_out_programs)]
    parts = [
        "# Figures of the default model\n",
        "Written by `train.py`. A request is flagged below 30. Scores are those of headgate as a whole, heuristics and model, but in\n"
        "the tables of kinds left out, which are of models alone that were trained without them.\n",
        "## Simulated worlds that were not trained on\n", clients(pd.concat(worlds), "kind"),
        "\n## People lost at other thresholds, in the same worlds\n", thresholds(pd.concat(worlds)),
        "\n## Recorded clients (the zoo): programs that were not trained on, by intent\n", clients(zoo, "kind"),
        "\n## The same by disguise\n", clients(zoo, "disguise"),
        "\n## The same by program\n", clients(zoo, "program"),
        "\n## Kinds of sites left out of training\n", left_out(data, fit, names, "site", SITE_GROUPS),
        "\n## Kinds of bots left out of training\n", left_out(data, fit, names, "kind", BOT_GROUPS),
    ]
    return "\n".join(parts)


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


def left_out(data, fit, names, by, groups):
    """For each group a model that has not seen its kinds, on held-out rows of these."""
    lines = [f"| {by} | bots' requests flagged, after the 10th | the same by the model that has seen them | people's requests flagged |", "|---|---|---|---|"]
    for group in groups:
        train = data.trained[~data.trained[by].isin(group)]
        test = data.held_out[data.held_out[by].isin(group)] if by == "site" else data.held_out[data.held_out[by].isin(group) | ~data.held_out["bot"]]
        cells = []
        for model in (fit(names, train), data.model):
            flagged = 99 - np.floor(99 * model.predict_proba(test[names])[:, 1]) < FLAG_BELOW
            late = (test["n"] >= 10).to_numpy()
            bot = test["bot"].to_numpy()
            cells.append((flagged[bot & late].mean(), flagged[~bot & late].mean()))
        lines.append(f"| {', '.join(group)} | {percent(cells[0][0])} | {percent(cells[1][0])} | {percent(cells[0][1])} |")
    return "\n".join(lines) + "\n"


def percent(share):
    return f"{100 * share:.1f} %"
