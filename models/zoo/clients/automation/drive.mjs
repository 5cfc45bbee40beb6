// Drives a browser by one of Node's libraries: node drive.mjs ORDERS. For the orders see drive.py.
import { readFileSync } from "node:fs";

const orders = JSON.parse(readFileSync(process.argv[2]));
const sleep = (s) => new Promise((done) => setTimeout(done, 1000 * s));
const args = ["--no-sandbox", "--no-first-run", "--password-store=basic"];
const chromium = "/usr/bin/chromium";
const follow = (u) => {
  const a = [...document.links].find((a) => a.href === u);
  if (a) a.click();
  return Boolean(a);
};

async function walk(page, wheel) {
  for (const [i, address] of orders.pages.entries()) {
    if (i === 0 || !(await page.evaluate(follow, address))) await page.goto(address);
    await sleep(orders.waits[i]);
    await wheel(page).catch(() => {});
  }
  if (!orders.login) return;
  const [address, name, password] = orders.login;
  for (let i = 0; i < 6; i++) {
    await page.goto(address);
    await page.type(`[name="${name}"]`, `user${i}@example.com`);
    await page.type(`[name="${password}"]`, `Password${i}`);
    await page.keyboard.press("Enter");
    await sleep(0.6);
  }
}

async function playwright(browserType) {
  const context = await browserType.launchPersistentContext(orders.profile, {
    executablePath: chromium, headless: orders.headless, args, ...(orders.agent ? { userAgent: orders.agent } : {}),
  });
  await walk(context.pages()[0], (p) => p.mouse.wheel(0, 500));
  await context.close();
}

async function puppeteer(library, shell) {
  const browser = await library.launch({
    executablePath: shell ? "/usr/bin/chromium-headless-shell" : chromium, headless: shell ? "shell" : orders.headless, args, userDataDir: orders.profile,
  });
  const page = (await browser.pages())[0] ?? (await browser.newPage());
  if (orders.agent) await page.setUserAgent(orders.agent);
  await walk(page, (p) => p.mouse.wheel({ deltaY: 500 }));
  await browser.close();
}

const programs = {
  playwright: async () => playwright((await import("playwright-core")).chromium),
  patchright: async () => playwright((await import("patchright-core")).chromium),
  puppeteer: async () => puppeteer((await import("puppeteer-core")).default),
  "puppeteer-shell": async () => puppeteer((await import("puppeteer-core")).default, true),
  "rebrowser-puppeteer": async () => puppeteer((await import("rebrowser-puppeteer-core")).default),
  "puppeteer-stealth": async () => {
    const { addExtra } = await import("puppeteer-extra");
    const library = addExtra((await import("puppeteer-core")).default);
    library.use((await import("puppeteer-extra-plugin-stealth")).default());
    await puppeteer(library);
  },
  "crawlee-playwright": async () => {
    const { PlaywrightCrawler } = await import("crawlee");
    const { chromium: launcher } = await import("playwright-core");
    const crawler = new PlaywrightCrawler({
      launchContext: { launcher, launchOptions: { executablePath: chromium, args } }, headless: orders.headless, maxRequestsPerCrawl: 10, maxConcurrency: 2,
      async requestHandler({ enqueueLinks }) { await enqueueLinks(); },
    });
    await crawler.run(orders.pages.slice(0, 1));
  },
};
await programs[orders.program]();
process.exit(0);
