"""Tells what each family of features brings on kinds of bots and programs that were not trained on."""

import re

import numpy as np

# Families of features by what their full names match. A feature may be of several.
FAMILIES = {
    "header fields, and whether they fit the user agent": r"request/(accept|encodings|hints|fetch|priority|xhr|agent_)",
    "TLS and the wire": r"request/(tls|wire)_",
    "relative to what is usual of the host and of the user agent": r"^ip_ua/.*_excess_|^host/|^ua/",
    "rare paths": r"unshared",
    "memory of a day": r"/requests_24h|/peak_",
    "networks": r"^net",
    "user agents of an address": r"agents|per_agent|new_agent",
    "logins and repeated forms": r"auth_failure|post",
    "Referer and links": r"referer|links",
    "how much and how fast": r"/requests_(10s|1m)|acceleration|distinct_paths",
    "pauses": r"gap_",
    "assets and cookies": r"asset|cookie",
}

# Kinds of bots of simulated worlds that none of the table's models has seen, one of each sort.
UNSEEN_KINDS = ["injector", "price-scraper", "stuffer", "automation", "flooder"]
PEOPLE_LOST = 0.002  # of people's requests in the worlds: all models are compared where they flag as many


def table(data, fit, names, few, shop):
    """Returns a line for each family, of a model that does without it; the first is of one that has all."""
    lines = ["Each line is of a model without these features. None has seen the kinds of bots\n"
             f"{', '.join(UNSEEN_KINDS)}, nor the half of the recorded programs that\n"
             f"it is judged by. All are compared at the threshold where {100 * PEOPLE_LOST:.1f} % of people's requests in the\n"
             "worlds are flagged, so that what is lost shows among the bots. Figures are shares of bots' requests\n"
             "after the tenth.\n",
             "| without | features | kinds unseen, worlds | automation among them | rotating addresses | recorded programs unseen | recorded browsers among them |",
             "|---|---|---|---|---|---|---|"]
    for family, pattern in {"nothing": None, **FAMILIES}.items():
        kept = [n for n in names if not (pattern and re.search(pattern, n))]
        cells = [f"{100 * c:.1f} %" for c in judge(data, fit, kept, few, shop)]
        lines.append(f"| {family} | {len(names) - len(kept)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def judge(data, fit, names, few, shop):
    """Returns the shares that are flagged by a model that has only these features."""
    judged = data.halves("program")[1]
    model = fit(names, few[~few["kind"].isin(UNSEEN_KINDS)], shop, data.zoo_trained[~data.zoo_trained["program"].isin(judged)])
    worlds, zoo = data.held_out, data.zoo_held_out[data.zoo_held_out["program"].isin(judged)]
    raw = model.predict(worlds[names], prediction_type="RawFormulaVal")
    limit = np.quantile(raw[~worlds["bot"].to_numpy()], 1 - PEOPLE_LOST)
    late, kind = worlds["bot"] & (worlds["n"] >= 10), worlds["kind"]
    rotating = worlds["disguise"].str.contains("network|prefix|swarm")
    shares = [np.mean(raw[q.to_numpy()] > limit) for q in (late & kind.isin(UNSEEN_KINDS), late & (kind == "automation"), late & rotating)]
    late, raw = zoo["bot"] & (zoo["n"] >= 10), model.predict(zoo[names], prediction_type="RawFormulaVal")
    browsers = zoo["kind"].str.startswith("automation")
    return shares + [np.mean(raw[q.to_numpy()] > limit) for q in (late, late & browsers)]
