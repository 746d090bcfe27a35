// Addresses as URLs want them.
import { isIP } from "node:net";

export function bracketed(name: string): string {
  return isIP(name) === 6 ? `[${name}]` : name;
}

/** Whether who listens there listens on every address of this machine. */
export function isEveryAddress(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** How this machine itself reaches what listens on this address; for a URL. */
export function reachedFromHere(host: string): string {
  return isEveryAddress(host) ? "127.0.0.1" : bracketed(host);
}
