// Makes the requests of a plan with one of Node's HTTP libraries: node run.mjs LIBRARY PLAN.
// A plan is a JSON list of steps: url, method, header (a list of name and value), body, wait (seconds before).
import { readFileSync } from "node:fs";
import https from "node:https";
import http2 from "node:http2";

const [library, file] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(file));
const sleep = (s) => new Promise((done) => setTimeout(done, 1000 * s));
const fields = (s) => Object.fromEntries(s.header || []);
const body = (s) => s.body || undefined;

// A plan that fetch carries out, whoever made it.
const byFetch = (fetch) => async (s) => (await fetch(s.url, { method: s.method, headers: fields(s), body: body(s) })).text();

const libraries = {
  "node-fetch-builtin": () => byFetch(fetch),
  "node-https": () => {
    const agent = new https.Agent({ keepAlive: true });
    return (s) => new Promise((done, fail) => {
      const r = https.request(s.url, { method: s.method, headers: fields(s), agent }, (a) => a.resume().on("end", done));
      r.on("error", fail).end(body(s));
    });
  },
  "node-http2": () => {
    const sessions = {};
    return (s) => new Promise((done, fail) => {
      const u = new URL(s.url);
      const session = (sessions[u.origin] ??= http2.connect(u.origin));
      const lower = Object.fromEntries((s.header || []).map(([n, v]) => [n.toLowerCase(), v]));
      const r = session.request({ ":method": s.method, ":path": u.pathname + u.search, ...lower });
      r.on("error", fail).on("end", done).resume().end(body(s));
    });
  },
  undici: async () => {
    const { request } = await import("undici");
    return async (s) => (await request(s.url, { method: s.method, headers: fields(s), body: body(s) })).body.dump();
  },
  axios: async () => {
    const { default: axios } = await import("axios");
    return (s) => axios.request({ url: s.url, method: s.method, headers: fields(s), data: body(s), validateStatus: () => true });
  },
  got: async () => {
    const { default: got } = await import("got");
    return (s) => got(s.url, { method: s.method, headers: fields(s), body: body(s), throwHttpErrors: false, retry: { limit: 0 } });
  },
  "node-fetch": async () => byFetch((await import("node-fetch")).default),
  superagent: async () => {
    const { default: superagent } = await import("superagent");
    const agent = superagent.agent();
    return (s) => agent[s.method.toLowerCase()](s.url).set(fields(s)).send(body(s)).ok(() => true);
  },
  needle: async () => {
    const { default: needle } = await import("needle");
    return (s) => needle(s.method.toLowerCase(), s.url, body(s) ?? null, { headers: fields(s) });
  },
  ky: async () => {
    const { default: ky } = await import("ky");
    return async (s) => (await ky(s.url, { method: s.method, headers: fields(s), body: body(s), throwHttpErrors: false, retry: 0 })).text();
  },
  phin: async () => {
    const { default: phin } = await import("phin");
    return (s) => phin({ url: s.url, method: s.method, headers: fields(s), data: body(s), core: {} });
  },
  jsdom: async () => {
    const { JSDOM, ResourceLoader } = await import("jsdom");
    return async (s) => {
      const h = fields(s);
      const resources = new ResourceLoader(h["user-agent"] || h["User-Agent"] ? { userAgent: h["user-agent"] || h["User-Agent"] } : {});
      const dom = await JSDOM.fromURL(s.url, { resources, runScripts: "dangerously", referrer: h.referer || h.Referer });
      await sleep(0.4);
      dom.window.close();
    };
  },
  simplecrawler: async () => {
    const { default: Crawler } = await import("simplecrawler");
    return (s) => new Promise((done) => {
      const c = new Crawler(s.url);
      c.maxDepth = 1;
      c.customHeaders = fields(s);
      if (c.customHeaders["user-agent"] || c.customHeaders["User-Agent"]) c.userAgent = c.customHeaders["user-agent"] || c.customHeaders["User-Agent"];
      c.on("complete", done).start();
    });
  },
  impit: async () => {
    const { Impit } = await import("impit");
    const impit = new Impit({ browser: "chrome", ignoreTlsErrors: true });
    return byFetch((u, o) => impit.fetch(u, o));
  },
  "impit-firefox": async () => {
    const { Impit } = await import("impit");
    const impit = new Impit({ browser: "firefox", ignoreTlsErrors: true });
    return byFetch((u, o) => impit.fetch(u, o));
  },
  "got-scraping": async () => {
    const { gotScraping } = await import("got-scraping");
    return (s) => gotScraping({ url: s.url, method: s.method, headers: fields(s), body: body(s), throwHttpErrors: false, retry: { limit: 0 } });
  },
  cycletls: async () => {
    const { default: initCycleTLS } = await import("cycletls");
    const c = await initCycleTLS();
    const ja3 = "771,4865-4867-4866-49195-49199-52393-52392-49196-49200-49162-49161-49171-49172-51-57-47-53-10,0-23-65281-10-11-35-16-5-51-43-13-45-28-21,29-23-24-25-256-257,0";
    return (s) => c(s.url, { body: s.body, ja3, headers: fields(s), userAgent: fields(s)["user-agent"] || fields(s)["User-Agent"], insecureSkipVerify: true }, s.method.toLowerCase());
  },
};

const ask = await libraries[library]();
for (const s of plan) {
  await sleep(s.wait);
  try {
    await ask(s);
  } catch (e) {
    console.log(s.url, String(e).slice(0, 200));
  }
}
process.exit(0);
