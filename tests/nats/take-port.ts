// Another program on a port of a server of ours that is down.
import { createServer, type Server } from "node:net";

/** It listens there, on this machine only, until it is closed. */
export async function takePort(port: number): Promise<Server> {
  const other = createServer();
  await new Promise<void>((resolve, reject) => {
    other.once("error", reject);
    other.listen(port, "127.0.0.1", resolve);
  });
  return other;
}
