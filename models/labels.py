"""Weak labels for the requests of an access log.

Nobody knows who made the requests of a log. A label here is a rule that is right most of the time:

    crawler   the user agent matches a public list of declared crawlers, tools and AI agents        -> bot
    probe     the address asked, at any time in the log, for what only a search for holes asks for   -> bot
    human     an address with one browser user agent fetched pages and what they need, with referers -> person
    (empty)   none of these: unknown, and not trained on

A label belongs to the client and not to the request: all requests of a labelled client carry it, the harmless ones of a
probing client too.
"""

import json
import re

import numpy as np

# What nobody asks for by following a link on a site that does not run it.
PROBES = re.compile(
    r"/\.(env|git|svn|hg|aws|ssh|vscode|ds_store|htpasswd|htaccess)|wp-(login|admin|content|includes|config|json)|xmlrpc\.php|wlwmanifest"
    r"|phpmyadmin|/pma/|phpinfo|eval-stdin|/cgi-bin/|boaform|hnap1|/actuator|/solr/|/owa/|autodiscover|/geoserver|invokefunction"
    r"|etc/passwd|\.\./|%2e%2e|\.(sql|bak)$|/vendor/phpunit|/manager/html|/sdk$|/shell|/telescope/",
    re.IGNORECASE,
)

BROWSER = re.compile(r"^(Mozilla/5\.0 \([^)]+\).*(Gecko/|AppleWebKit/|Trident/)|Mozilla/[45]\.0 \(compatible; MSIE|Opera/9)")


class Crawlers:
    """Tells declared crawlers by their user agent, from the two lists in a folder."""

    def __init__(self, folder):
        with open(folder / "crawler-user-agents.json", encoding="utf-8") as f:
            patterns = [entry["pattern"] for entry in json.load(f)]
        with open(folder / "ai.robots.txt.json", encoding="utf-8") as f:
            # Names such as "Code" and "Operator" are also parts of longer words.
            patterns += [r"\b" + re.escape(name) + r"\b" for name in json.load(f)]
        self.pattern = re.compile("|".join(f"(?:{p})" for p in patterns))
        self.known = {}

    def declares(self, agent):
        if agent not in self.known:
            self.known[agent] = self.pattern.search(agent) is not None
        return self.known[agent]


def label(rows, crawlers):
    """Gives the label of each row of a log (see above), as an array of strings."""
    agent, client = rows["user_agent"], rows["client"]
    crawler = agent.map(crawlers.declares).to_numpy(bool)
    probing = rows["path"].map(lambda p: PROBES.search(p) is not None).to_numpy(bool)
    probing = np.isin(client, client[probing].unique())
    human = like_human(rows, agent.map(lambda a: BROWSER.match(a) is not None).to_numpy(bool))
    labels = np.full(len(rows), "", dtype=object)
    labels[human] = "human"
    labels[crawler] = "crawler"
    labels[probing & ~crawler] = "probe"
    return labels


def like_human(rows, browser):
    """Tells the rows of clients, an address and a browser user agent, that fetched a page that was there and at least two
    assets, most of their assets with a referer."""
    asset = (rows["request/path_kind"] == 1).to_numpy()
    found = rows["status"].isin([200, 206, 304]).to_numpy()
    facts = rows[["client", "user_agent"]].copy()
    facts["pages"] = ~asset & found & (rows["request/path_kind"] == 0).to_numpy() & (rows["method"] == "GET").to_numpy()
    facts["assets"] = asset
    facts["linked"] = asset & (rows["referer"] != "").to_numpy()
    totals = facts.groupby(["client", "user_agent"])[["pages", "assets", "linked"]].transform("sum")
    fetched = (totals["pages"] >= 1) & (totals["assets"] >= 2) & (totals["linked"] >= 0.7 * totals["assets"])
    return fetched.to_numpy() & browser
