// A workshop of five, from joining to the report: real processes, a real server, a real browser, and a host that is killed in the middle.
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import { execa } from "execa";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LearnerSummary } from "../../checker/classroom/summary.ts";
import { root } from "../../checker/course/places.ts";
import { browserFile, newPage, startBrowser } from "../site/browser.ts";
import { Learner, type RunningHost, startHost, temporary, threePorts, until } from "./scene.ts";

const folder = temporary("classroom");
const lesson = "01-at-most-once";
const mistake = "mistakes/returns-after-publish.ts";
/** How many checks the lesson has. */
const checks =
  readFileSync(join(root, "lessons", lesson, "checks.ts"), "utf8").match(/^check\($/gm)?.length ?? 0;
const names = ["Ana", "Ben O'Neill", "Cem 🚚", "ليلى", "Eve"] as const;

describe.skipIf(browserFile === undefined)("a workshop of five", { timeout: 600_000 }, () => {
  let host: RunningHost;
  let port: number;
  let browser: Browser;
  let page: Page;
  let learners: Learner[];
  const violations: string[] = [];

  beforeAll(async () => {
    port = await threePorts();
    learners = names.map((name) => new Learner(name));
    [host, browser] = await Promise.all([startHost(folder, port), startBrowser()]);
    page = await newPage(browser, { acceptDownloads: true });
    page.on("console", (message) => {
      if (/Content Security Policy|Uncaught/i.test(message.text())) violations.push(message.text());
    });
    page.on("pageerror", (error) => violations.push(String(error)));
  });
  afterAll(async () => {
    await browser?.close();
    await host?.end("SIGTERM");
    for (const learner of learners ?? []) learner.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const text = async (selector: string) => (await page.locator(selector).textContent()) ?? "";
  const row = (name: string) => page.locator("#grid tbody tr", { hasText: name });
  const see = (name: string, words: string) =>
    until(`${name} shows ${words}`, async () => {
      const found = row(name);
      return (await found.count()) === 1 && ((await found.textContent()) ?? "").includes(words);
    });
  const at = (index: number) => learners[index] as Learner;
  async function exported(): Promise<LearnerSummary[]> {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#json")]);
    return (JSON.parse(readFileSync(await download.path(), "utf8")) as { learners: LearnerSummary[] })
      .learners;
  }

  test("the dashboard opens with the token of the host, and with nothing else", async () => {
    await page.goto(host.dashboard.replace(/token=.*/, "token=wrong"));
    await page.getByText("This is not the instructor's token").waitFor();
    await page.goto("about:blank");
    await page.goto(host.dashboard);
    await page.getByText("Live", { exact: true }).waitFor();
    expect(page.url()).not.toContain("token");
    expect(await text("#code")).toBe(host.code);
  });

  test("five learners join, each from a terminal", async () => {
    for (const learner of learners) {
      const { status, out, err } = await learner.run(
        "join",
        host.address,
        "--name",
        learner.name,
        "--code",
        host.code,
      );
      expect({ status, err }).toEqual({ status: 0, err: "" });
      expect(out).toContain(`You are in, ${learner.name}.`);
      if (process.platform !== "win32")
        expect(statSync(join(learner.home, "membership.json")).mode & 0o777).toBe(0o600);
    }
    for (const name of names) await see(name, name);
  });

  test("what they check is seen without loading the page again, and the most common mistake with its timeline", async () => {
    at(1).writes(lesson, mistake);
    at(2).writes(lesson, mistake);
    for (const learner of learners.slice(0, 3)) expect((await learner.run("check", "01")).status).toBe(1);
    await see("Ana", `0/${checks}`);
    await page.keyboard.press("2");
    const first = page.locator("#mistakes li").first();
    await until("two of a kind", async () => ((await first.textContent()) ?? "").startsWith("2 ×"));
    await first.getByRole("button", { name: /^Explain/ }).click();
    await until("the timeline is drawn", () =>
      page.evaluate("document.querySelector('#explain img').naturalWidth > 100"),
    );
    await page.keyboard.press("Escape");
    await page.keyboard.press("1");
  });

  test("the host is killed: checks go on as if nothing were, and no result is lost", async () => {
    await host.end("SIGKILL");
    at(3).writes(lesson, "solution.ts");
    at(4).writes(lesson, mistake);
    const passed = await at(3).run("check", "01");
    expect(passed.status).toBe(0);
    expect(passed.err).toBe("");
    expect((await at(4).run("check", "01")).status).toBe(1);
    at(4).writes(lesson, "solution.ts");
    expect((await at(4).run("check", "01")).status).toBe(0);
    expect([at(3).waiting(), at(4).waiting()]).toEqual([1, 2]);
    const { code, dashboard } = host;
    host = await startHost(folder, port);
    expect({ code: host.code, dashboard: host.dashboard }).toEqual({ code, dashboard });
    await see(names[3], "✓");
    await see(names[4], "✓");
    await until("nothing waits", () => learners.every((learner) => learner.waiting() === 0));
    const results = Object.fromEntries((await exported()).map((each) => [each.name, each.results]));
    expect(results).toEqual({ Ana: 1, "Ben O'Neill": 1, "Cem 🚚": 1, ليلى: 1, Eve: 2 });
  });

  test("hands are seen in their order, and lowered", async () => {
    expect((await at(1).run("hand", "what", "is", "<b>drain</b>?")).out).toContain("Your hand is up.");
    expect((await at(0).run("hand")).out).toContain("Your hand is up.");
    await page.keyboard.press("3");
    await until("two hands", async () => (await page.locator("#hands li").count()) === 2);
    expect(await page.locator("#hands li").first().textContent()).toMatch(/Ben O'Neill.*<b>drain<\/b>\?/s);
    await page.locator("#hands li").first().getByRole("button").click();
    await until("one hand", async () => (await page.locator("#hands li").count()) === 1);
    expect(await text("#hands")).toContain("Ana");
  });

  test("an announcement and the pace reach the terminals, once", async () => {
    await page.keyboard.press("4");
    const listening = execa(
      process.execPath,
      [join(at(1).folder, "checker", "main.mjs"), "join", "--listen"],
      {
        cwd: at(1).folder,
        reject: false,
      },
    );
    let heard = "";
    listening.stdout?.on("data", (part) => {
      heard += part;
    });
    await until("a terminal listens", () => heard.includes("Listening"));
    await page.fill("#words", "Coffee is ready");
    await page.locator("#announce button").click();
    await until("said", async () => (await text("#said")).includes("Coffee is ready"));
    await page.selectOption("#open-lesson", "lesson-02");
    await page.fill("#go-on", "10:15");
    await page.locator("#pace button").click();
    await until("heard at once", () => heard.includes("Coffee is ready") && heard.includes("10:15"));
    listening.kill("SIGTERM");
    await listening;
    // A command that talks with the classroom hears what was said meanwhile.
    expect((await at(0).run("hand", "--down")).out).toContain("Your hand is down.");
    const told = await until("told", async () => {
      const { out } = await at(0).run("join");
      return out.includes("Coffee") && out;
    });
    expect(told).toContain("lesson-02 is open now");
    expect(told).toContain("We go on at 10:15.");
    expect((await at(0).run("join")).out).not.toContain("Coffee");
  });

  test("code is shown when it is shared, and gone when it is taken back", async () => {
    const shown = await at(2).run("share", "01", "--yes");
    expect(shown.err).toContain("export");
    expect(shown.out).toContain("is shared");
    await page.keyboard.press("Tab");
    await page.locator("#views").getByRole("button", { name: "Code" }).click();
    await page.locator("#shares summary").click();
    expect(await text("#shares pre")).toContain("export");
    expect((await at(2).run("share", "01", "--take-back")).out).toContain("taken back");
    await until("gone", async () => (await page.locator("#shares pre").count()) === 0);
  });

  test("the projector shows the room and nobody's name", async () => {
    await page.locator("#projector").click();
    await until("the pace is shown", async () =>
      (await page.locator("#pace-line").textContent())?.includes("10:15"),
    );
    for (const view of ["Room", "Mistakes", "Hands"]) {
      await page.locator("#views").getByRole("button", { name: view }).click();
      const html = await page.content();
      for (const name of names) expect(html).not.toContain(name);
    }
    await page.locator("#projector").click();
    await page.keyboard.press("1");
    await see("Ana", `0/${checks}`);
  });

  test("the page can be used by all: axe finds nothing in light or dark", async () => {
    await page.evaluate(axe.source);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const key of ["1", "2", "3", "4", "5"]) {
        await page.keyboard.press(key);
        const found = (await page.evaluate("axe.run()")) as axe.AxeResults;
        expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
      }
    }
    expect(violations).toEqual([]);
  });

  test("afterwards a report says what was passed, and which belief cost the room most", async () => {
    const file = join(folder, "report.html");
    const { command } = await import("../course/command.ts");
    const env = { LEARN_NATS_CLASSROOM: folder };
    const open = await command(["classroom", "report", "--out", file], { env });
    expect(open).toMatchObject({ status: 0 });
    const whileOpen = readFileSync(file, "utf8");
    expect(await host.end("SIGTERM")).toBe(130);
    expect((await command(["classroom", "report", "--out", file], { env })).status).toBe(0);
    const closed = readFileSync(file, "utf8");
    for (const html of [whileOpen, closed]) {
      expect(html).toContain("5 learners, 6 results");
      expect(html).toContain("Ben O&#39;Neill");
      expect(html).toMatch(/3 learners, in 3 results/);
      expect(html).not.toMatch(/<script|https?:/);
    }
  });
});
