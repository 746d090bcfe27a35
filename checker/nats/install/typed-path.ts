// A path as a person typed it. npm runs commands in the course's root, and keeps in INIT_CWD where the person was.
import { resolve } from "node:path";

export function typedPath(path: string): string {
  return resolve(process.env.INIT_CWD ?? ".", path);
}
