// Opens FILE in a real browser and says as JSON what it loaded, what it complained of, and what axe-core finds.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [file, browserPath, pdf] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"];
const browser = await chromium.launch({ executablePath: browserPath, args });
const said = { requests: [], console: [], axe: {}, keyboard: {}, wide: {} };

const context = await browser.newContext({ colorScheme: "light", viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
page.on("request", (request) => said.requests.push(request.url().slice(0, 200)));
page.on("console", (message) => said.console.push(`${message.type()}: ${message.text()}`));
page.on("pageerror", (error) => said.console.push(`error: ${error}`));

const began = performance.now();
await page.goto(pathToFileURL(file).href, { waitUntil: "load" });
await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
said.opened_ms = performance.now() - began;
said.hacked = await page.evaluate(() => "hacked" in window);
said.title = await page.title();
said.scripts = await page.evaluate(() => document.scripts.length);
said.sections = await page.evaluate(() => [...document.querySelectorAll("main > section")].map((section) => section.id));

// By keyboard only: the first stop skips the menu, then the theme is switched with an arrow key.
const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
await page.keyboard.press("Tab");
said.keyboard.first = await page.evaluate(() => document.activeElement.textContent.trim());
await page.keyboard.press("Tab");
said.keyboard.light = await background();
await page.keyboard.press("ArrowRight");
await page.keyboard.press("ArrowRight");
said.keyboard.chosen = await page.evaluate(() => document.activeElement.id);
said.keyboard.dark = await background();
await page.keyboard.press("Tab");
await page.keyboard.press("Tab");
await page.keyboard.press("Enter");
said.keyboard.jumped = await page.evaluate(() => location.hash);
await page.evaluate(() => document.querySelector("#trends summary")?.focus());
await page.keyboard.press("Enter");
said.keyboard.opened = await page.evaluate(() => document.querySelector("#trends details")?.open ?? null);

await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
for (const theme of ["light", "dark"]) {
  await page.click(`label[for=theme-${theme}]`);
  // The page's own policy lets no script in; a debugger's evaluation is none of the page's.
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  said.axe_rules = found.passes.length;
  said.axe[theme] = found.violations.map((one) => ({ id: one.id, help: one.help, nodes: one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)), number: one.nodes.length }));
}
for (const width of [390, 1280]) {
  await page.setViewportSize({ width, height: 900 });
  said.wide[width] = await page.evaluate(() => document.documentElement.scrollWidth);
}
if (pdf) await page.pdf({ path: pdf, preferCSSPageSize: true, printBackground: true });
await browser.close();
console.log(JSON.stringify(said));
