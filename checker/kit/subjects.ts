// Subjects and their wildcards, as the server reads them.

/** Whether a filter, which may have the wildcards `*` (one token) and, at its end, `>` (one token or more), lets a subject pass. */
export function subjectMatches(filter: string, subject: string): boolean {
  const tokens = subject.split(".");
  const wanted = filter.split(".");
  if (wanted.at(-1) === ">") {
    if (tokens.length < wanted.length) return false;
    wanted.pop();
  } else if (tokens.length !== wanted.length) return false;
  return wanted.every((token, i) => token === "*" || token === tokens[i]);
}
