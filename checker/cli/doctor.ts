export async function runDoctor(_: { json?: boolean }): Promise<number> {
  return 0;
}
