"""Which features the default model reads, and which it must not."""

# What a client does, by address and by address with user agent. Left out of these groups: age and requests_1h (the
# simulator's bots stay for longer than its people do, which is no law of nature), bytes_per_second (differs between a replay
# and live traffic where requests are refused), no_cookie_share (logs do not tell it), robots_seen and script_share (nearly
# the labels themselves), distinct_hosts, distinct_wires and distinct_sessions (logs do not tell them).
BEHAVIOUR = [
    "requests_10s", "requests_1m", "requests_10m", "acceleration_10s", "auth_failures_10m", "distinct_paths_10m",
    "client_error_share_10m", "not_found_share_10m", "not_found_streak", "head_share_10m", "post_share_10m", "asset_share_10m",
    "pages_since_asset", "no_referer_share_10m", "path_entropy_10m", "gap_mean", "gap_min", "gap_variation", "gap_entropy",
]

CLIENT = [f"ip/{f}" for f in [*BEHAVIOUR, "distinct_agents_10m"]] + [f"ip_ua/{f}" for f in BEHAVIOUR]

# All that is known of a client before its first publication.
REQUEST = ["request/method", "request/path_kind", "request/query_length", "request/referer"]

DEFAULT = REQUEST + CLIENT

# Left out, and measured with and without (report.md).
PATH_SHAPE = [f"request/path_{f}" for f in ["length", "depth", "dots", "digits", "upper", "special", "entropy"]] + [
    f"{d}/{f}" for d in ["ip", "ip_ua"] for f in ["script_share_10m", "robots_seen"]]
AGENT_SHAPE = [f"request/agent_{f}" for f in ["length", "mozilla", "products", "digits", "comment", "missing"]]
CROWD = [f"net/{f}" for f in ["distinct_addresses_10m", "distinct_agents_10m", "not_found_share_10m", "asset_share_10m"]] + [
    f"ua/{f}" for f in ["distinct_addresses_10m", "distinct_networks_10m", "not_found_share_10m", "asset_share_10m"]]

CANDIDATES = DEFAULT + PATH_SHAPE + AGENT_SHAPE + CROWD


def variants():
    """Gives the sets that the report compares, by name."""
    def without(*parts):
        return [f for f in DEFAULT if not any(part in f for part in parts)]
    return {
        "default": DEFAULT,
        "+ shape of the path": DEFAULT + PATH_SHAPE,
        "+ shape of the user agent": DEFAULT + AGENT_SHAPE,
        "+ networks and user agents": DEFAULT + CROWD,
        "- query length": without("query_length"),
        "- kind of the path": without("path_kind"),
        "- assets and referers": without("asset", "referer"),
        "- single requests": CLIENT,
    }
