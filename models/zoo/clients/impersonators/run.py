"""Makes the requests of a plan with a library that pretends to be a browser: run.py LIBRARY PLAN. For plans see python/run.py."""

import asyncio
import json
import sys
import time

library, plan = sys.argv[1], json.load(open(sys.argv[2]))
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def each(ask):
    for s in plan:
        time.sleep(s["wait"])
        try:
            ask(s["method"], s["url"], dict(s["header"] or []), s["body"].encode() if s.get("body") else None)
        except Exception as e:
            print(s["url"], type(e).__name__, e)


def curl_cffi(impersonate):
    from curl_cffi import requests
    session = requests.Session(impersonate=impersonate, verify=BUNDLE)
    each(lambda method, url, headers, data: session.request(method, url, headers=headers, data=data, timeout=15))


def tls_client():
    import tls_client
    session = tls_client.Session(client_identifier="chrome_120", random_tls_extension_order=True)
    each(lambda method, url, headers, data: session.execute_request(method, url, headers=headers or None, data=data, insecure_skip_verify=True))


def primp():
    import primp
    client = primp.Client(impersonate="random", verify=False)
    each(lambda method, url, headers, data: client.request(method, url, headers=headers or None, content=data, timeout=15))


def rnet():
    import rnet

    async def main():
        client = rnet.Client(impersonate=rnet.Impersonate.Chrome137, verify=False)
        for s in plan:
            await asyncio.sleep(s["wait"])
            try:
                r = await client.request(getattr(rnet.Method, s["method"]), s["url"], headers=dict(s["header"] or []), body=s.get("body"))
                await r.text()
            except Exception as e:
                print(s["url"], type(e).__name__, e)
    asyncio.run(main())


if library.startswith("curl_cffi-"):
    name = library.split("-")[1]
    curl_cffi(None if name == "raw" else name)
else:
    {"py-tls-client": tls_client, "primp": primp, "rnet": rnet}[library]()
