// Signatures by Node's own ed25519. The package's is JavaScript and takes 25 ms, too long when a room of five hundred comes at once.
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { fromSeed, type KeyPair } from "@nats-io/jwt";
import type { Authenticator } from "@nats-io/transport-node";

export function pairOf(seed: string): KeyPair {
  const pair = fromSeed(new TextEncoder().encode(seed));
  const publicKey = pair.getPublicKey();
  const key = nodeKey(pair);
  return Object.assign(Object.create(pair) as KeyPair, {
    getPublicKey: () => publicKey,
    sign: (input: Uint8Array) => new Uint8Array(sign(null, input, key)),
  });
}

/** Answers the server's challenge for a user. */
export function userAuthenticator({ jwt, seed }: { jwt: string; seed: string }): Authenticator {
  const key = nodeKey(fromSeed(new TextEncoder().encode(seed)));
  return (nonce = "") => ({ jwt, nkey: "", sig: sign(null, Buffer.from(nonce), key).toString("base64url") });
}

function nodeKey(pair: KeyPair): KeyObject {
  // RFC 8410: what stands before the 32 bytes of an ed25519 key in PKCS #8.
  const head = Buffer.from("302e020100300506032b657004220420", "hex");
  const raw = (pair as unknown as { getRawSeed(): Uint8Array }).getRawSeed();
  return createPrivateKey({ key: Buffer.concat([head, raw]), format: "der", type: "pkcs8" });
}
