"""Makes the requests of a plan with one of Python's HTTP libraries: run.py LIBRARY PLAN.

A plan is a JSON list of steps: url, method, header (a list of name and value), body, wait (seconds before).
"""

import asyncio
import json
import sys
import time

library, plan = sys.argv[1], json.load(open(sys.argv[2]))
for step in plan:
    step["data"] = step["body"].encode() if step.get("body") else None
    step["fields"] = dict(step["header"] or [])


def each(ask):
    """Calls ask for each step; what fails does not end the others."""
    for s in plan:
        time.sleep(s["wait"])
        try:
            ask(s)
        except Exception as e:
            print(s["url"], type(e).__name__, e)


async def each_async(ask):
    for s in plan:
        await asyncio.sleep(s["wait"])
        try:
            await ask(s)
        except Exception as e:
            print(s["url"], type(e).__name__, e)


def py_requests():
    import requests
    session = requests.Session()
    each(lambda s: session.request(s["method"], s["url"], headers=s["fields"], data=s["data"], timeout=15))


def py_urllib():
    from urllib.request import Request, urlopen
    each(lambda s: urlopen(Request(s["url"], data=s["data"], headers=s["fields"], method=s["method"]), timeout=15).read())


def py_urllib3():
    import urllib3
    pool = urllib3.PoolManager(ca_certs="/etc/ssl/certs/ca-certificates.crt")
    each(lambda s: pool.request(s["method"], s["url"], headers=s["fields"] or None, body=s["data"], timeout=15))


def py_httpx(http2=False):
    import httpx
    with httpx.Client(http2=http2, verify="/etc/ssl/certs/ca-certificates.crt", timeout=15) as c:
        each(lambda s: c.request(s["method"], s["url"], headers=s["fields"], content=s["data"]))


def py_httpx_http2():
    py_httpx(True)


def py_aiohttp():
    import aiohttp

    async def main():
        async with aiohttp.ClientSession() as session:
            async def ask(s):
                async with session.request(s["method"], s["url"], headers=s["fields"], data=s["data"]) as r:
                    await r.read()
            await each_async(ask)
    asyncio.run(main())


def py_pycurl():
    import io
    import pycurl
    c = pycurl.Curl()

    def ask(s):
        c.reset()
        for option, value in [(c.URL, s["url"]), (c.HTTPHEADER, [f"{k}: {v}" for k, v in s["fields"].items()]), (c.WRITEDATA, io.BytesIO()),
                              (c.CAINFO, "/etc/ssl/certs/ca-certificates.crt"), (c.TIMEOUT, 15)]:
            c.setopt(option, value)
        if s["data"]:
            c.setopt(c.POSTFIELDS, s["data"])
        c.perform()
    each(ask)


def py_niquests():
    import niquests
    session = niquests.Session()
    session.verify = "/etc/ssl/certs/ca-certificates.crt"
    each(lambda s: session.request(s["method"], s["url"], headers=s["fields"], data=s["data"], timeout=15))


def py_treq():
    import treq
    from twisted.internet import defer, reactor, task

    @defer.inlineCallbacks
    def main():
        for s in plan:
            yield task.deferLater(reactor, s["wait"], lambda: None)
            try:
                r = yield treq.request(s["method"], s["url"], headers=s["fields"], data=s["data"], timeout=15)
                yield r.content()
            except Exception as e:
                print(s["url"], type(e).__name__, e)
        reactor.stop()
    reactor.callWhenRunning(main)
    reactor.run()


def py_mechanicalsoup():
    import mechanicalsoup
    b = mechanicalsoup.StatefulBrowser()

    def ask(s):
        if s["fields"]:
            b.session.headers.update(s["fields"])
        if s["data"]:
            b.post(s["url"], data=s["data"])
        else:
            b.open(s["url"])
    each(ask)


def py_cloudscraper():
    import cloudscraper
    session = cloudscraper.create_scraper()
    each(lambda s: session.request(s["method"], s["url"], headers=s["fields"], data=s["data"], timeout=15))


def py_tornado():
    from tornado.httpclient import AsyncHTTPClient, HTTPRequest

    async def main():
        c = AsyncHTTPClient()
        await each_async(lambda s: c.fetch(HTTPRequest(s["url"], method=s["method"], headers=s["fields"], body=s["data"], request_timeout=15,
                                                       ca_certs="/etc/ssl/certs/ca-certificates.crt"), raise_error=False))
    asyncio.run(main())


def py_httplib2():
    import httplib2
    h = httplib2.Http(ca_certs="/etc/ssl/certs/ca-certificates.crt", timeout=15)
    each(lambda s: h.request(s["url"], s["method"], headers=s["fields"], body=s["data"]))


def py_scrapy():
    import scrapy
    from scrapy.crawler import CrawlerProcess

    class Orders(scrapy.Spider):
        name = "orders"

        async def start(self):
            for s in plan:
                await asyncio.sleep(s["wait"])
                yield scrapy.Request(s["url"], method=s["method"], headers=s["fields"], body=s["data"], dont_filter=True)

        def parse(self, response):
            pass
    process = CrawlerProcess({"LOG_LEVEL": "WARNING", "CONCURRENT_REQUESTS": 1, "TELNETCONSOLE_ENABLED": False, "ROBOTSTXT_OBEY": False})
    process.crawl(Orders)
    process.start()


globals()[library.replace("-", "_")]()
