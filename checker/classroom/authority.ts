// Who may do what, as signed JWTs (decentralised authentication, NATS docs "JWTs"). A user is made with a signature alone: the server is
// not told, nothing is reloaded, and users outlive every crash of host and server.
import {
  createAccount,
  createOperator,
  createUser,
  decode,
  encodeAccount,
  encodeOperator,
  encodeUser,
  type KeyPair,
  parseCreds,
  type User,
} from "@nats-io/jwt";
import { EnvironmentTrouble } from "../course/errors.ts";
import { mostBytes } from "./messages.ts";
import { keys as bucketKeys, type RoomNames } from "./room.ts";
import { pairOf } from "./signing.ts";

/** The seeds of a classroom that has its own server. They never leave the host. */
export interface Seeds {
  readonly operator: string;
  readonly system: string;
  readonly account: string;
}

/** A user that can connect. */
export interface Credentials {
  readonly jwt: string;
  readonly seed: string;
}

export function newSeeds(): Seeds {
  return {
    operator: seedOf(createOperator()),
    system: seedOf(createAccount()),
    account: seedOf(createAccount()),
  };
}

const seedOf = (pair: KeyPair) => new TextDecoder().decode(pair.getSeed());
const unlimited = -1;
const day = 86_400;
const now = () => Math.floor(Date.now() / 1000);

/** Lines of a server's configuration: it trusts this operator, and knows these two accounts. */
export async function operatorConfig({ operator, system, account }: Seeds): Promise<string> {
  const [by, sys, own] = [pairOf(operator), pairOf(system), pairOf(account)];
  const connections = {
    subs: unlimited,
    data: unlimited,
    payload: unlimited,
    imports: unlimited,
    exports: unlimited,
    wildcards: true,
    conn: unlimited,
    leaf: 0,
  };
  const storage = {
    mem_storage: unlimited,
    disk_storage: unlimited,
    streams: unlimited,
    consumer: unlimited,
  };
  const jwt = {
    operator: await encodeOperator("learn-nats classroom", by, { system_account: sys.getPublicKey() }),
    system: await encodeAccount("SYS", sys, { limits: connections }, { signer: by }),
    own: await encodeAccount("CLASSROOM", own, { limits: { ...connections, ...storage } }, { signer: by }),
  };
  return [
    `operator: ${jwt.operator}`,
    `system_account: ${sys.getPublicKey()}`,
    "resolver: MEMORY",
    `resolver_preload: { ${sys.getPublicKey()}: ${jwt.system}, ${own.getPublicKey()}: ${jwt.own} }`,
  ].join("\n");
}

/** Signs users into one account. */
export class Authority {
  private constructor(
    private readonly signer: KeyPair,
    /** The account, when the signer is one of its signing keys and not the account itself. */
    private readonly issuer: string | undefined,
  ) {}

  static of(seeds: Seeds): Authority {
    return new Authority(pairOf(seeds.account), undefined);
  }

  /**
   * For a cluster that is there already: the account of these credentials, and a signing key of that account.
   * @throws EnvironmentTrouble when the two files are not what they should be
   */
  static async existing(
    creds: Uint8Array,
    signingKey: string,
  ): Promise<{ authority: Authority; host: Credentials }> {
    try {
      const { key, jwt } = await parseCreds(creds);
      const claims = decode<User>(jwt);
      const account = claims.nats.issuer_account ?? claims.iss;
      const signer = pairOf(signingKey.trim());
      if (!signer.getPublicKey().startsWith("A")) throw new Error("the signing key is not one of an account");
      const issuer = signer.getPublicKey() === account ? undefined : account;
      return { authority: new Authority(signer, issuer), host: { jwt, seed: key } };
    } catch (error) {
      throw new EnvironmentTrouble(
        `The credentials of the cluster could not be used: ${(error as Error).message}.`,
        "--creds wants a user's creds file, and --signing-key a file with the seed of a signing key of that user's account (it begins with SA).",
        { cause: error },
      );
    }
  }

  /** The host itself: all of the account. */
  async host(): Promise<Credentials> {
    const user = createUser();
    return { jwt: await this.#sign("host", user, {}), seed: seedOf(user) };
  }

  /**
   * A learner: says things under their own name, and hears what is said to them. No requests, no inbox, no JetStream: a
   * reply address is the learner's choice, and an answer of the server's to it could overwrite or purge what others own.
   */
  learner(room: RoomNames, id: string, publicKey: string): Promise<string> {
    return this.#sign(id, publicKey, {
      pub: { allow: [room.from(id), room.ask(id)] },
      sub: { allow: [room.to(id), room.toAll] },
      subs: 8,
      payload: mostBytes,
      exp: now() + 200 * day,
    });
  }

  /** The dashboard in the instructor's browser: watches the bucket, and asks the host. */
  async desk(room: RoomNames, inbox: string): Promise<Credentials> {
    const user = createUser();
    const stream = `KV_${room.bucket}`;
    const jwt = await this.#sign("desk", user, {
      pub: {
        allow: [
          room.desk,
          `$JS.API.STREAM.INFO.${stream}`,
          `$JS.API.CONSUMER.CREATE.${stream}`,
          `$JS.API.CONSUMER.CREATE.${stream}.>`,
          `$JS.API.CONSUMER.DELETE.${stream}.>`,
          `$JS.API.CONSUMER.INFO.${stream}.>`,
          `$JS.FC.${stream}.>`,
        ],
      },
      sub: { allow: [`${inbox}.>`, `$KV.${room.bucket}.${bucketKeys.room}`] },
      exp: now() + day,
    });
    return { jwt, seed: seedOf(user) };
  }

  #sign(
    name: string,
    user: KeyPair | string,
    { exp, ...rest }: Partial<User> & { subs?: number; payload?: number; exp?: number },
  ): Promise<string> {
    return encodeUser(
      name,
      user,
      this.signer,
      {
        subs: unlimited,
        data: unlimited,
        payload: unlimited,
        ...rest,
        ...(this.issuer !== undefined && { issuer_account: this.issuer }),
      } as Partial<User>,
      exp === undefined ? {} : { exp },
    );
  }
}
