// Mistake: saved-is-right
// Fails: the saved context works without any flags
// User and password of the lab: `context save` says nothing against them.
export { findings, passes, traceMessage } from "../solution.ts";

export function saveContext(name: string, server: string): string[] {
  return ["context", "save", name, `--server=${server}`, "--user=admin", "--password=admin", "--select"];
}
