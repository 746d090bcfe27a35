// Mistake: saved-is-selected
// Fails: the saved context works without any flags
// It was saved last, so it is the one in use.
export { findings, passes, traceMessage } from "../solution.ts";

export function saveContext(name: string, server: string, user: string, password: string): string[] {
  return ["context", "save", name, `--server=${server}`, `--user=${user}`, `--password=${password}`];
}
