"""Which features the default model reads: of some 150 that were tried those that the trees used most, and those that the
situations of models/gate need that hardly occur in the training data, as IPv6 networks."""

# What a request shows by itself. Left out: what only names a program (agent_crawler and so on are findings of
# the heuristics, before any model), what would learn sites by heart (the shape of paths, lengths), and what
# grows old (versions).
REQUEST = [
    "method", "path_kind", "referer", "accept_language", "xhr", "tls_version",
    "tls_ciphers", "tls_extensions", "tls_alpn", "hints", "hints_missing", "hints_brand_odd",
    "hints_platform_odd", "fetch_mode", "fetch_site", "fetch_odd", "accept", "accept_odd",
    "encodings", "encodings_old", "priority", "agent_browser", "wire_encoding_language",
]

# What an address does.
IP = [
    "requests_10s", "requests_1m", "requests_24h", "acceleration_10s", "peak_requests_10s",
    "auth_failures_10m", "distinct_paths_10m", "client_error_share_10m",
    "post_share_10m", "asset_share_10m", "no_referer_share_10m",
    "no_cookie_share_10m", "gap_min", "gap_variation", "gap_entropy", "distinct_agents_10m",
    "requests_per_agent_10m",
]

# What an address does with one user agent, and how far that is from what is usual of the host (excess).
IP_UA = [
    "requests_10s", "requests_1m", "acceleration_10s", "peak_client_errors_1m",
    "posts_repeated_10m", "distinct_paths_10m", "post_share_10m", "asset_share_10m",
    "no_referer_share_10m", "gap_min", "gap_variation", "page_gap_mean", "page_gap_variation",
    "asset_excess_10m", "script_excess_10m",
    "no_referer_excess_10m", "unshared_excess_10m", "unshared_share_10m",
]

# One client's IPv6 network, where it may change its address with each request.
NET64 = [
    "requests_1m", "requests_per_address_10m",
    "distinct_addresses_10m",
]

# What strangers share: only what a flood does not move (traffic.Feature.Steady).
SHARED = [
    "net/new_address_excess_10m",
    "ua/usual_asset_share_24h", "host/usual_not_found_share_24h",
    "host/usual_no_referer_share_24h",
]

DEFAULT = [*(f"request/{f}" for f in REQUEST), *(f"ip/{f}" for f in IP), *(f"ip_ua/{f}" for f in IP_UA), *(f"net64/{f}" for f in NET64),
           *SHARED]
