// A real Chromium for the site's tests, where there is one.
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const candidates = [
  process.env.CHROME_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

export const browserFile = candidates.find((file) => file !== undefined && existsSync(file));

if (browserFile === undefined) {
  process.stderr.write(
    "\nSKIPPED: the site's browser tests. No Chromium was found; install one, or name it in CHROME_PATH.\n\n",
  );
}

export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    ...(browserFile !== undefined && { executablePath: browserFile }),
    args: ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"],
  });
}

/** A page that waits for what it is asked for as long as a busy machine needs: minutes, where an idle one needs milliseconds. */
export async function newPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(120_000);
  return page;
}
