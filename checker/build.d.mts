/** The folder with the built checker, built now if it is out of date. */
export function ensureBuild(root?: string): string;
