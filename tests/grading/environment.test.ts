// What the processes of a run are given of the person's environment.
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { HostProcess } from "../../checker/kit/host-process.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { within } from "./leftovers.ts";

afterEach(() => vi.unstubAllEnvs());
afterAll(reapAll);

test("a program starts without reading a company's certificates, and says nothing of a file that is not there", async () => {
  vi.stubEnv("NODE_EXTRA_CA_CERTS", "/no/such/certificates.pem");
  const host = new HostProcess();
  let said = "";
  host.onOutput = (text) => {
    said += text;
  };
  let ready = false;
  host.listen(() => {
    ready = true;
  });
  expect(await within(30_000, () => ready)).toBe(true);
  host.end();
  await host.exited;
  expect(said).toBe("");
});
