export function installProgress(): (event: unknown) => void {
  return () => {};
}
