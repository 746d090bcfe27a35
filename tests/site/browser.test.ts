// The site in a real Chromium: what a reader sees, presses and hears. Skipped, loudly, where there is no browser.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Built, buildSite } from "../../site/build.ts";
import { browserFile, newPage, startBrowser } from "./browser.ts";

/** As on a host that serves the site under a path of its own. */
const underPath = "/learn-nats/";

// Each goes through all pages or through several: seconds on an idle machine, minutes on a busy one.
describe.skipIf(browserFile === undefined)("the site in a browser", { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "learn-nats-site-browser-"));
  let browser: Browser;
  let built: Built;
  let server: Server;
  let site: string;
  let pages: string[];
  let lesson: string;

  beforeAll(async () => {
    built = await buildSite({ out: join(folder, "dist"), base: underPath });
    pages = [...built.files.keys()].filter((path) => path.endsWith(".html"));
    lesson =
      pages.find((path) => /^lessons\/01-[a-z-]+\.html$/.test(path) && !path.includes("solution")) ?? "";
    server = createServer((request, response) => {
      const path = (request.url ?? "").split("?")[0]?.slice(underPath.length) ?? "";
      const text = built.files.get(path === "" ? "index.html" : path);
      const type = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml" }[
        path === "" ? "html" : (path.split(".").at(-1) ?? "")
      ];
      response
        .writeHead(text === undefined ? 404 : 200, {
          "content-type": `${type ?? "text/html"}; charset=utf-8`,
        })
        .end(text ?? built.files.get("404.html"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    site = `http://127.0.0.1:${(server.address() as AddressInfo).port}${underPath}`;
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a page, and sees to it that nothing was refused or failed on it. */
  async function open(
    address: string,
    options: BrowserContextOptions,
    look: (page: Page) => Promise<void>,
  ): Promise<void> {
    const page = await newPage(browser, options);
    const troubles: string[] = [];
    page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
    page.on("pageerror", (error) => troubles.push(error.message));
    await page.goto(address);
    await look(page);
    await page.close();
    expect(troubles, address).toEqual([]);
  }

  // The slowest: a second a page on an idle machine, and up to half a minute on a busy one.
  test("has nothing for axe to find on any page in both themes", { timeout: 1_800_000 }, async () => {
    const problems: string[] = [];
    await open(site, { bypassCSP: true }, async (page) => {
      for (const path of pages) {
        await page.emulateMedia({ colorScheme: "light" });
        await page.goto(site + path);
        await page.evaluate(() => {
          for (const details of document.querySelectorAll("details")) details.open = true;
        });
        await page.addScriptTag({ content: axe.source });
        const wcag = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
        problems.push(
          ...(await axeFinds(page, { type: "tag", values: wcag })).map((one) => `${path} ${one}`),
        );
        // A theme changes colours and nothing else.
        await page.emulateMedia({ colorScheme: "dark" });
        const colours = await axeFinds(page, { type: "rule", values: ["color-contrast"] });
        problems.push(...colours.map((one) => `${path} (dark) ${one}`));
      }
    });
    expect(problems).toEqual([]);
  });

  test("asks no other host for anything, and loads the search only when it is used", async () => {
    const asked: string[] = [];
    await open(site, {}, async (page) => {
      page.on("request", (request) => asked.push(request.url()));
      for (const path of pages) await page.goto(site + path);
      expect(asked.filter((url) => !url.startsWith(site))).toEqual([]);
      expect(asked.filter((url) => url.includes("search"))).toEqual([]);
    });
  });

  test("needs no sideways scroll: from 320 pixels on, at 200 % zoom, and with letters twice as large", async () => {
    const wide: string[] = [];
    // A zoom of 200 % leaves half the pixels to the page.
    const views = [320, 360, 1280 / 2, 768, 1280].map((width) => ({ width, letters: "" }));
    views.push({ width: 768, letters: "200%" }, { width: 1280, letters: "200%" });
    await open(site, {}, async (page) => {
      for (const path of pages) {
        await page.goto(site + path);
        for (const { width, letters } of views) {
          await page.setViewportSize({ width, height: 800 });
          const over = await page.evaluate((size) => {
            document.documentElement.style.fontSize = size;
            for (const details of document.querySelectorAll("details")) details.open = true;
            // What is cut off on the left or hidden counts, too: nothing but boxes that scroll inside themselves may be wider.
            const cut = [...document.querySelectorAll<HTMLElement>("main *, header *, footer *")].filter(
              (each) =>
                each.getBoundingClientRect().right > innerWidth + 1 &&
                !each.closest(".hidden, .skip, .code pre, .wide, .drawing"),
            );
            return [
              document.documentElement.scrollWidth - innerWidth,
              cut[0]?.outerHTML.slice(0, 100) ?? "",
            ] as const;
          }, letters);
          if (over[0] > 0 || over[1] !== "") wide.push(`${path} at ${width} ${letters} by ${over.join(" ")}`);
        }
      }
    });
    expect(wide).toEqual([]);
  });

  test("is searched with / and the keyboard alone, from a folder on disk as from a host", async () => {
    const fromDisk = pathToFileURL(join(built.out, lesson)).href;
    for (const address of [site + lesson, fromDisk]) {
      await open(address, {}, async (page) => {
        await page.getByRole("button", { name: "Search" }).waitFor();
        await page.bringToFront();
        await page.keyboard.press("/");
        await page.getByLabel("Search the course").waitFor();
        await page.keyboard.type("no responders");
        const first = page.locator(".search li a").first();
        await first.waitFor();
        await page.keyboard.press("ArrowDown");
        expect(await first.evaluate((link) => link === document.activeElement)).toBe(true);
        const target = await first.evaluate((link) => (link as HTMLAnchorElement).href);
        await page.keyboard.press("Enter");
        await page.waitForURL(target);
        expect(new URL(target).pathname).toMatch(/(lessons\/.*|glossary|mistakes)\.html$/);
      });
    }
  });

  test("keeps the theme that was chosen, and goes through system, light and dark", async () => {
    await open(site, { colorScheme: "light" }, async (page) => {
      const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const light = await paper();
      const button = page.getByRole("button", { name: /^Theme/ });
      await button.click();
      expect(await paper()).toBe(light);
      await button.click();
      const dark = await paper();
      expect(dark).not.toBe(light);
      await page.goto(site + lesson);
      expect(await paper()).toBe(dark);
      await button.click();
      expect(await paper()).toBe(light);
    });
  });

  test("shows everything without scripts: text, code, contents, and outputs that open", async () => {
    await open(site + lesson, { javaScriptEnabled: false }, async (page) => {
      expect(await page.locator("h2").count()).toBeGreaterThan(5);
      expect(await page.locator("button").count()).toBe(0);
      expect(await page.locator(".timeline svg.tl").first().isVisible()).toBe(true);
      expect(await page.locator(".tl-moment.to-come").count()).toBe(0);
      const output = page.locator("details.output").first();
      expect(await output.locator("pre").isVisible()).toBe(false);
      await output.locator("summary").click();
      expect(await output.locator("pre").isVisible()).toBe(true);
      await page.locator("a[rel=next]").click();
      expect(new URL(page.url()).pathname).toMatch(/lessons\/02-/);
    });
  });

  test("hides a solution until it is asked for", async () => {
    await open(site + lesson.replace(".html", "-solution.html"), {}, async (page) => {
      expect(await page.locator("details.answer pre").first().isVisible()).toBe(false);
      expect(await page.getByRole("note").textContent()).toContain("gives the answer away");
    });
  });

  test("keeps a tick in the browser, and shows it among the lessons", async () => {
    await open(site + lesson, {}, async (page) => {
      await page.getByRole("checkbox").check();
      await page.goto(site);
      expect(await page.locator(".lessons li.done").count()).toBe(1);
      await page.goto(site + lesson);
      await page.getByRole("checkbox").uncheck();
      await page.goto(site);
      expect(await page.locator(".lessons li.done").count()).toBe(0);
    });
  });

  test("copies code to the clipboard as it stands in the lesson", async () => {
    await open(site + lesson, { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
      const block = page.locator(".code").first();
      await block.hover();
      await block.getByRole("button", { name: "Copy" }).click();
      await block.getByRole("button", { name: "Copied" }).waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      expect(copied).toBe(await block.locator("code").textContent());
      expect(copied).toContain("\n");
    });
  });

  test("is reached by the keyboard: first the way to the text, then every link and button", async () => {
    await open(site + lesson, { viewport: { width: 1280, height: 800 } }, async (page) => {
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the text");
      await page.keyboard.press("Enter");
      expect(new URL(page.url()).hash).toBe("#main");
      const stops = await page.evaluate(() => {
        for (const details of document.querySelectorAll("details")) details.open = true;
        const all = document.querySelectorAll("a[href], button, summary, input, pre, .wide, .drawing");
        for (const [i, each] of all.entries()) each.setAttribute("data-stop", String(i));
        (document.activeElement as HTMLElement).blur();
        scrollTo(0, 0);
        return all.length;
      });
      const reached = new Set<string | null>();
      // Twice as many as there are: the browser begins where it was, and goes round.
      for (let i = 0; i < stops * 2 && reached.size < stops; i++) {
        await page.keyboard.press("Tab");
        const stop = await page.evaluate(() => document.activeElement?.getAttribute("data-stop") ?? null);
        if (stop !== null) reached.add(stop);
      }
      expect(stops).toBeGreaterThan(30);
      expect(reached.size).toBe(stops);
    });
  });

  test("shows the 404 page with its styles at any depth", async () => {
    const page = await newPage(browser);
    const response = await page.goto(`${site}a/b/c/nothing`);
    expect(response?.status()).toBe(404);
    expect(await page.locator("h1").textContent()).toBe("No such page");
    expect(await page.evaluate(() => document.styleSheets.length)).toBe(1);
    await page.getByRole("link", { name: "All lessons" }).click();
    expect(page.url()).toBe(`${site}index.html`);
    await page.close();
  });

  test("plays, steps and scrubs a timeline by keyboard, and stands still for who wants no motion", async () => {
    const withDrawing = [...built.files].find(([, text]) => text.includes('class="tl-moment'))?.[0];
    if (withDrawing === undefined) {
      process.stderr.write("SKIPPED: no timeline is recorded yet.\n");
      return;
    }
    await open(site + withDrawing, { reducedMotion: "reduce" }, async (page) => {
      const player = page.locator(".player").first();
      const slider = player.getByRole("slider");
      const toCome = () => page.locator(".timeline").first().locator(".tl-moment.to-come").count();
      expect(await toCome()).toBe(0);
      await slider.focus();
      await page.keyboard.press("Home");
      const hidden = await toCome();
      expect(hidden).toBeGreaterThan(0);
      await page.keyboard.press("ArrowRight");
      expect(await toCome()).toBe(hidden - 1);
      await player.getByRole("button", { name: "Play" }).press("Enter");
      expect(await toCome()).toBe(hidden - 2);
      await page.waitForTimeout(500);
      expect(await toCome(), "it does not go on by itself").toBe(hidden - 2);
      await player.getByRole("button", { name: "One moment back" }).press("Enter");
      expect(await toCome()).toBe(hidden - 1);
    });
  });

  test("prints what is closed on the screen", async () => {
    await open(site + lesson, {}, async (page) => {
      await page.emulateMedia({ media: "print" });
      await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      expect(await page.locator("details.output pre").first().isVisible()).toBe(true);
      expect(await page.locator(".top").isVisible()).toBe(false);
    });
  });

  test("prints in light colours on dark screens, and goes back to the theme that was chosen", async () => {
    await open(site + lesson, { colorScheme: "dark" }, async (page) => {
      const ink = () =>
        page.evaluate(() => getComputedStyle(document.querySelector("main a") as Element).color);
      const dark = await ink();
      await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      expect(await ink()).not.toBe(dark);
      await page.evaluate(() => dispatchEvent(new Event("afterprint")));
      expect(await ink()).toBe(dark);
    });
  });

  test("what was built is what lies on the disk", () => {
    for (const [path, text] of built.files)
      expect(readFileSync(join(built.out, path), "utf8") === text).toBe(true);
  });
});

async function axeFinds(page: Page, runOnly: { type: "tag" | "rule"; values: string[] }): Promise<string[]> {
  return page.evaluate(async (only) => {
    const { run } = (globalThis as unknown as { axe: typeof axe }).axe;
    const { violations } = await run(document, { runOnly: only, resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
  }, runOnly);
}
