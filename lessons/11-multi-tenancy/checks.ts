// Lesson 11: carriers that share a hub, and people who want more than they may.
import { DiscardPolicy, type NatsConnection, NatsError } from "nats";
import {
  type CheckServer,
  type EventOf,
  exercise,
  type Fail,
  type WireEvent,
  wireLine,
} from "../../checker/kit/index.ts";
import type { Carrier, Hub, Login, Scan, Scanner } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

const stream = { name: "PARCELS", subjects: ["parcel.>"] };

/** Not the server's word about what somebody may do. */
const isTrouble = ({ code }: NatsError) =>
  ["CONNECTION_REFUSED", "TIMEOUT", "DISCONNECT", "CONNECTION_CLOSED"].includes(code);

/** What the server says. The client has only a number as the message of some errors of JetStream. */
const inWords = (error: NatsError) => error.api_error?.description ?? error.message;

/** Before the learner's accounts, a server to which nobody can connect. */
const server = () => ({ accounts: `accounts { NOBODY { users: [ ${line(login("nobody"))} ] } }` });

function login(user: string): Login {
  const password = `p${Math.random().toString(36).slice(2, 12)}`;
  return { user, password };
}

const line = ({ user, password }: Login, permissions = "") =>
  `{ user: "${user}", password: "${password}", ${permissions} }`;

function carrier(name: string, depots: readonly string[] = ["ams", "rtm"], disk = 1_000_000): Carrier {
  return {
    name,
    disk,
    office: login(`${name}-office`),
    scanners: depots.map((depot) => ({ ...login(`${name}-scanner-${depot}`), depot })),
  };
}

/** One who connects in the scene: what was heard, and what the server denied. */
class Party {
  readonly heard: { subject: string; text: string }[] = [];
  readonly denied: string[] = [];

  private constructor(
    readonly name: string,
    readonly nc: NatsConnection,
  ) {
    void this.#hearOfDenials();
  }

  /** @throws Finding when the hub does not let it in */
  static async connect(server: CheckServer, { user, password }: Login, fail: Fail): Promise<Party> {
    try {
      const nc = await server.connect(user, {
        recorded: true,
        user,
        pass: password,
        inboxPrefix: inboxOf(user),
        reconnect: false,
      });
      return new Party(user, nc);
    } catch (error) {
      if (!(error instanceof NatsError) || isTrouble(error)) throw error;
      return fail(
        `The hub does not let the user \`${user}\` in, with the password that \`accountsOf\` was given: ${inWords(error)}.`,
        { readme: "your-task", evidence: refusals(server, user).map((event) => wireLine(event)) },
      );
    }
  }

  async #hearOfDenials(): Promise<void> {
    for await (const { permissionContext } of this.nc.status())
      if (permissionContext) this.denied.push(permissionContext.subject);
  }

  /** Everything that was asked of the server up to now has been done, and what it had to say has been heard. */
  async settled(): Promise<void> {
    await this.nc.flush();
    // What came with the answer is told to its listeners first.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** @returns whether the server lets it subscribe */
  async listens(subject: string, queue?: string): Promise<boolean> {
    let allowed = true;
    this.nc.subscribe(subject, {
      ...(queue !== undefined && { queue }),
      callback: (error, message) => {
        if (error) allowed = false;
        else this.heard.push({ subject: message.subject, text: message.string() });
      },
    });
    await this.settled();
    return allowed;
  }

  /** @returns whether the server lets it publish */
  async publishes(subject: string, text: string): Promise<boolean> {
    const { length } = this.denied;
    this.nc.publish(subject, text);
    await this.settled();
    return this.denied.length === length;
  }
}

const inboxOf = (user: string) => `_INBOX.${user}`;

/** The errors that the server sent to a client. */
const refusals = (server: CheckServer, client: string): EventOf<"error">[] =>
  server.seen((wire) => wire.of("error", { client }), []);

/** What came to a client, of all that it heard. */
const arrivals = (server: CheckServer, client: string, text: string): WireEvent[] =>
  server.seen((wire) => wire.messages({ client }).filter((event) => event.text === text), []);

const publishes = (server: CheckServer, client: string, text: string): WireEvent[] =>
  server.seen((wire) => wire.publishes({ client, text }), []);

/** Gives a hub's accounts to the server. */
async function configure(server: CheckServer, text: unknown, fail: Fail): Promise<void> {
  if (typeof text !== "string")
    return fail(`\`accountsOf\` should have returned a text; it returned ${typeof text}.`);
  const whyNot = await server.setAccounts(text);
  if (whyNot === undefined) return;
  const at = Number(/(?:accounts\.conf:|line )(\d+)/.exec(whyNot)?.[1] ?? 0);
  const context = text.split("\n").slice(Math.max(0, at - 2), at + 1);
  fail(`nats-server does not take the text that \`accountsOf\` returned. It says: ${whyNot}`, {
    readme: "your-task",
    evidence: at > 0 ? context.map((each, i) => `line ${Math.max(1, at - 1) + i}  ${each.trim()}`) : [],
  });
}

/** The hub of a check, by its carriers. */
const hubOf = (...carriers: Carrier[]): Hub => ({ carriers, customs: login("customs") });

/** Fails when an office may not do what it asks for. */
function mayDoAll(server: CheckServer, party: Party, what: string, allowed: boolean, fail: Fail): void {
  if (allowed) return;
  fail(`The user \`${party.name}\` may do everything in its account. The server denied it ${what}.`, {
    readme: "permissions",
    evidence: refusals(server, party.name).map((event) => wireLine(event)),
  });
}

/** What a client asked of JetStream, and was refused; or nobody was there to answer. */
const refusedByJetStream = (server: CheckServer, client: string): WireEvent[] =>
  server.seen(
    (wire): WireEvent[] => [
      ...wire.of("apiReply", { client, ok: false }),
      ...wire.of("status", { client, code: 503 }),
    ],
    [],
  );

/** 10039: "JetStream not enabled for account". */
const hasNoJetStream = (error: NatsError | undefined) =>
  error?.api_error?.err_code === 10039 || error?.code === "503";

const apiMs = 30_000;

/** What an office wants to do, and may. @returns the error that the server answered with */
async function attempt<T>(act: () => Promise<T>): Promise<{ value: T } | { error: NatsError }> {
  try {
    return { value: await act() };
  } catch (error) {
    if (!(error instanceof NatsError) || isTrouble(error)) throw error;
    return { error };
  }
}

const managerOf = ({ nc }: Party) => nc.jetstreamManager({ timeout: apiMs, checkAPI: false });

/** The stream of a carrier, made by its office. @returns the error that the server answered with */
async function makeStream(office: Party): Promise<NatsError | undefined> {
  const manager = await managerOf(office);
  const made = await attempt(() => manager.streams.add(stream));
  return "error" in made ? made.error : undefined;
}

const jetStreamOf = ({ nc }: Party) => nc.jetstream({ timeout: apiMs });

/** How many messages the stream of a carrier has; undefined: the carrier has no such stream. */
async function stored(office: Party, fail: Fail): Promise<number | undefined> {
  const manager = await managerOf(office);
  const info = await attempt(() => manager.streams.info(stream.name));
  if ("value" in info) return info.value.state.messages;
  if (info.error.api_error?.err_code === 10059 || hasNoJetStream(info.error)) return undefined;
  return fail(
    `The user \`${office.name}\` may do everything in its account. It asked about its stream, and the server refused that: ${inWords(info.error)}.`,
    { readme: "permissions" },
  );
}

check(
  "two carriers do the same, and see nothing of each other",
  {
    server,
    beliefs: {
      "a-user-is-a-tenant": {
        belief: "Each carrier has users and passwords of its own, so each has its own messages.",
        readme: "a-user-is-not-a-tenant",
        hint: "Two users of one account subscribe to the same subject. What does each of them hear? What would have to be different?",
      },
      "jetstream-is-for-every-account": {
        belief: "The server has JetStream, so everybody on it has.",
        readme: "each-account-has-its-own-jetstream",
        hint: "What does the server answer when the office makes a stream? Where does it say that an account may?",
      },
    },
  },
  async ({ server, learner, believes, fail }) => {
    const [a, b] = [carrier("north"), carrier("south")];
    const hub = hubOf(a, b);
    const program = await learner.start("accountsOf", [hub]);
    await configure(server, await program.result(), fail);
    const north = await Party.connect(server, a.office, fail);
    const south = await Party.connect(server, b.office, fail);
    const customs = await Party.connect(server, hub.customs, fail);
    const all = [north, south, customs];

    const hears = (party: Party, text: string) => party.heard.some((each) => each.text === text);
    const overheard = () =>
      all.find((party) => party !== north && (hears(party, "P-1") || hears(party, "news")));
    /** Not what an import brings, but everything. */
    const together = () =>
      all.find((party) => party !== north && hears(party, "P-1") && hears(party, "news"));
    believes("a-user-is-a-tenant", {
      when: () => together() !== undefined,
      message: () =>
        `The office of north published a parcel, and the user \`${together()?.name}\` heard it. A user is somebody who may connect. What users hear of each other is decided by the account that they are in, and these two are in the same one.`,
      wire: () => [
        ...publishes(server, north.name, "P-1"),
        ...arrivals(server, together()?.name ?? "", "P-1"),
      ],
    });
    const refused: (NatsError | undefined)[] = [];
    believes("jetstream-is-for-every-account", {
      when: () => refused.some(hasNoJetStream),
      message:
        "An office wanted to make a stream, and its account has no JetStream. The server has. With accounts of your own, each one has it only when its block says so.",
      wire: () => all.flatMap(({ name }) => refusedByJetStream(server, name)),
    });

    for (const party of all) mayDoAll(server, party, "to subscribe to `>`", await party.listens(">"), fail);
    for (const [party, subject, text] of [
      [north, "parcel.ams.in", "P-1"],
      [north, `office.${server.nats.port}`, "news"],
      [north, "_INBOX.north.answer", "news"],
      [south, "parcel.ams.in", "P-2"],
      [customs, "tariff.new", "P-0"],
    ] as const)
      mayDoAll(server, party, `to publish on ${subject}`, await party.publishes(subject, text), fail);
    for (const party of all) await party.settled();
    const eavesdropper = overheard();
    if (eavesdropper)
      fail(`What the office of north published was heard by \`${eavesdropper.name}\`, in another account.`, {
        readme: "a-user-is-not-a-tenant",
        evidence: ["P-1", "news"]
          .flatMap((text) => arrivals(server, eavesdropper.name, text))
          .map((event) => wireLine(event)),
      });
    for (const [party, text] of [
      [north, "P-1"],
      [south, "P-2"],
    ] as const) {
      const { length: times } = party.heard.filter((each) => each.text === text);
      if (times !== 1)
        fail(
          `The user \`${party.name}\` subscribed to \`>\` and published on parcel.ams.in. It heard its own message ${times} times.`,
        );
    }
    for (const party of [north, south]) refused.push(await makeStream(party));
    const why = refused.find((error) => error !== undefined);
    if (why)
      fail(`An office made the stream PARCELS, and the server refused it: ${inWords(why)}.`, {
        readme: "each-account-has-its-own-jetstream",
      });
    await jetStreamOf(north).publish("parcel.ams.in", "P-3");
    for (const [party, count] of [
      [north, 1],
      [south, 0],
    ] as const) {
      const messages = await stored(party, fail);
      if (messages !== count)
        fail(
          `Both offices made a stream PARCELS, and north stored one parcel. The stream of \`${party.name}\` should have ${count} messages; it has ${messages}.`,
        );
    }
  },
);

check(
  "each carrier fills its own share of the disk, and no more",
  {
    server,
    beliefs: {
      "enabled-has-a-limit": {
        belief: "JetStream shares the disk out fairly.",
        readme: "one-carrier-can-fill-the-disk",
        hint: "How much may the streams of one account hold, if its block only says that JetStream is enabled? Which numbers can stand there instead?",
      },
      "one-limit-is-for-all": {
        belief: "The same limit is right for all.",
        readme: "one-carrier-can-fill-the-disk",
        hint: "Print the text for two carriers with different disks. Which number stands in which account?",
      },
    },
  },
  async ({ server, learner, believes, fail }) => {
    const kB = 1_000;
    const most = 250 * kB;
    const [a, b] = [carrier("north", ["ams"], 60 * kB), carrier("south", ["ams"], 200 * kB)];
    const program = await learner.start("accountsOf", [hubOf(a, b)]);
    await configure(server, await program.result(), fail);
    const taken: { party: Party; disk: number; held: number }[] = [];
    const last = ({ party }: { party: Party }): WireEvent[] =>
      server.seen((wire) => wire.pubAcks({ client: party.name }), []).slice(-1);
    const tooMuch = () => taken.find(({ disk, held }) => held > disk);
    const tooLittle = () => taken.find(({ disk, held }) => held < disk * 0.85);
    believes("enabled-has-a-limit", {
      when: () => taken.length === 2 && taken.every(({ held }) => held >= most),
      message: () =>
        `\`${tooMuch()?.party.name}\` stored ${(tooMuch()?.held ?? 0) / kB} kB, and the server took all of it. Its carrier may take ${(tooMuch()?.disk ?? 0) / kB} kB of the disk. An account has no limit of its own unless its block gives one: this carrier can fill the disk for all the others.`,
      wire: () => taken.flatMap(last),
    });
    believes("one-limit-is-for-all", {
      when: () =>
        taken.length === 2 &&
        tooLittle() !== undefined &&
        Math.abs((taken[0]?.held ?? 0) - (taken[1]?.held ?? 0)) <= 5 * kB,
      message: () =>
        `The two carriers could store the same, ${(taken[0]?.held ?? 0) / kB} kB. North may take 60 kB of the disk, and south 200 kB. The limit stands in the account's own block, and each account has another one.`,
      wire: () => taken.flatMap(last),
    });
    for (const { office, disk } of [a, b]) {
      const party = await Party.connect(server, office, fail);
      const refused = await makeStream(party);
      if (refused)
        fail(`\`${party.name}\` made the stream PARCELS, and the server refused it: ${inWords(refused)}.`, {
          readme: "each-account-has-its-own-jetstream",
          evidence: refusedByJetStream(server, party.name).map((event) => wireLine(event)),
        });
      taken.push({ party, disk, held: await fill(party, most, fail) });
    }
    const wrong = tooMuch() ?? tooLittle();
    if (wrong)
      fail(
        `The carrier of \`${wrong.party.name}\` may take ${wrong.disk / kB} kB of the disk. Its office could store ${wrong.held / kB} kB.`,
        { readme: "one-carrier-can-fill-the-disk", evidence: last(wrong).map((event) => wireLine(event)) },
      );
  },
);

/** Stores parcels until the server refuses one, or so many bytes are stored. @returns the bytes that were stored */
async function fill(party: Party, most: number, fail: Fail): Promise<number> {
  const parcel = new Uint8Array(2_500);
  let held = 0;
  while (held < most) {
    const ack = await attempt(() => jetStreamOf(party).publish("parcel.ams.in", parcel));
    if ("value" in ack) held += parcel.length;
    else if (ack.error.api_error) break;
    else
      fail(
        `\`${party.name}\` stored a parcel of ${parcel.length} bytes, and the server denied it: ${inWords(ack.error)}.`,
        { readme: "permissions" },
      );
  }
  return held;
}

check(
  "a scanner publishes for its own depot",
  {
    server,
    beliefs: {
      "scanners-are-alike": {
        belief: "All scanners of a carrier may do the same.",
        readme: "permissions",
        hint: "In which depot does the scanner stand, and for which depots could it publish? Where in the subject does the depot stand?",
      },
      "forbid-what-is-wrong": {
        belief: "I forbid what a user must not do.",
        readme: "a-list-of-what-is-forbidden",
        hint: "Which subjects are there that you did not think of? What does a list of what is allowed say about them?",
      },
    },
  },
  async ({ server, learner, believes, fail }) => {
    const [a, b] = [carrier("north", ["ams", "rtm"]), carrier("south", ["lux"])];
    const program = await learner.start("accountsOf", [hubOf(a, b)]);
    await configure(server, await program.result(), fail);
    for (const { office: officeLogin, scanners } of [a, b]) {
      const office = await Party.connect(server, officeLogin, fail);
      await office.listens(">");
      for (const { depot, ...login } of scanners) {
        const scanner = await Party.connect(server, login, fail);
        const may = [`parcel.${depot}.in`, `parcel.${depot}.fault.belt`, "customs.check"];
        const otherDepots = ["parcel.bru.in", `parcel.${depot}terdam.in`, "parcel.bru"];
        const otherSubjects = [
          "office.news",
          "customs.check.north",
          "handover.south.P-1",
          "$JS.API.INFO",
          "$JS.API.STREAM.DELETE.PARCELS",
          "_INBOX.somebody.answer",
          `${inboxOf(login.user)}.answer`,
          "parcel",
        ];
        const passed: string[] = [];
        for (const subject of [...may, ...otherDepots, ...otherSubjects])
          if (await scanner.publishes(subject, subject)) passed.push(subject);
        await office.settled();

        const wrong = (subjects: readonly string[]) => subjects.filter((subject) => passed.includes(subject));
        const proofOf = (subjects: readonly string[]) => (): WireEvent[] =>
          wrong(subjects).flatMap((subject) => publishes(server, scanner.name, subject).slice(0, 1));
        believes("scanners-are-alike", {
          when: () => wrong(otherDepots).length === otherDepots.length && wrong(otherSubjects).length === 0,
          message: () =>
            `The scanner \`${scanner.name}\` stands in the depot ${depot}. It published on ${wrong(otherDepots)[0]}, and the server let it. Each scanner is a user of its own, so that each can have permissions of its own: those of its depot.`,
          wire: proofOf(otherDepots),
        });
        believes("forbid-what-is-wrong", {
          when: () => passed.includes("office.news"),
          message: () =>
            `The scanner \`${scanner.name}\` may publish on parcel.${depot}.> and customs.check only. It published on office.news, and the server let it. What is not forbidden is allowed, and a list of what is wrong is never complete.`,
          wire: proofOf(otherSubjects),
        });
        const missing = may.filter((subject) => !passed.includes(subject));
        if (missing.length > 0)
          fail(`The scanner \`${scanner.name}\` may publish on ${missing[0]}. The server denied it.`, {
            readme: "permissions",
            evidence: refusals(server, scanner.name)
              .filter((event) => event.denied?.subject === missing[0])
              .map((event) => wireLine(event)),
          });
        const surplus = wrong([...otherDepots, ...otherSubjects]);
        if (surplus.length > 0)
          fail(
            `The scanner \`${scanner.name}\` stands in the depot ${depot}. It published on ${surplus[0]}, and the server let it.`,
            { readme: "permissions" },
          );
      }
    }
  },
);

check(
  "a scanner hears its own answers, and nothing else",
  {
    server,
    beliefs: {
      "silent-means-denied": {
        belief: "A user whose rights say nothing about subscribing may not subscribe.",
        readme: "publish-says-nothing-about-subscribe",
        hint: "A block of permissions says something about publishing only. What may this user subscribe to? Try it with two users and `>`.",
      },
      "inboxes-are-private": {
        belief: "`_INBOX.>` is my inbox.",
        readme: "an-inbox-is-a-subject",
        hint: "What does a request subscribe to, and who else may subscribe to that? Which part of the name could be the user's own?",
      },
    },
  },
  async ({ server, learner, believes, fail }) => {
    const a = carrier("north", ["ams", "rtm"]);
    const [ams, rtm] = a.scanners as [Scanner, Scanner];
    const b = carrier("south");
    const program = await learner.start("accountsOf", [hubOf(a, b)]);
    await configure(server, await program.result(), fail);
    const office = await Party.connect(server, a.office, fail);
    const scanner = await Party.connect(server, ams, fail);
    const other = await Party.connect(server, rtm, fail);
    const answerTo = ({ user }: Login) => `${inboxOf(user)}.answer.1`;

    const own = await scanner.listens(`${inboxOf(ams.user)}.>`);
    const ownOnly = await scanner.listens(`${inboxOf(ams.user)}.answer.*`);
    const othersOwn = await other.listens(`${inboxOf(rtm.user)}.>`);
    const inboxes = ["_INBOX.>", `${inboxOf(rtm.user)}.>`, "_INBOX.*.>"];
    const parcels = [">", "parcel.>", "parcel.ams.>", "customs.check", "from.>", "$JS.EVENT.>", "*.*.*"];
    const heard: string[] = [];
    for (const subject of [...parcels, ...inboxes]) if (await scanner.listens(subject)) heard.push(subject);
    for (const subject of [">", "parcel.>"])
      if (await scanner.listens(subject, "readers")) heard.push(`${subject} in a queue group`);
    await office.publishes("parcel.ams.in", "P-1");
    await office.publishes(answerTo(rtm), "yes, P-2");
    await office.publishes(answerTo(ams), "no, P-3");
    await scanner.settled();
    await other.settled();
    const came = (text: string) => scanner.heard.some((each) => each.text === text);
    believes("silent-means-denied", {
      when: () => heard.includes(">") && came("P-1"),
      message:
        "The scanner subscribed to the parcels of its carrier, and heard what the office published. It may subscribe to its own inbox and to nothing else. Permissions for publishing say nothing about subscribing: without a word about that, everything is allowed.",
      wire: () => arrivals(server, scanner.name, "P-1").slice(0, 1),
    });
    believes("inboxes-are-private", {
      when: () => !came("P-1") && came("yes, P-2"),
      message: `The scanner of ams subscribed to the inboxes of others, and heard an answer that was for \`${rtm.user}\`. An inbox is a subject like any other. Who may subscribe to _INBOX.> reads all answers of the account.`,
      wire: () => arrivals(server, scanner.name, "yes, P-2").slice(0, 1),
    });
    if (
      !own ||
      !ownOnly ||
      !othersOwn ||
      !came("no, P-3") ||
      !other.heard.some(({ text }) => text === "yes, P-2")
    )
      fail(
        `A scanner may subscribe to its own inbox, for example ${inboxOf(ams.user)}.>. ${own && ownOnly && othersOwn ? "It did, and an answer to it did not come." : "The server denied it."}`,
        {
          readme: "an-inbox-is-a-subject",
          evidence: refusals(server, own && ownOnly ? other.name : scanner.name)
            .slice(0, 1)
            .map((event) => wireLine(event)),
        },
      );
    const south = await Party.connect(server, b.scanners[1] as Scanner, fail);
    for (const subject of [">", "_INBOX.>"])
      if (await south.listens(subject)) heard.push(`${subject} (\`${south.name}\`)`);
    if (heard.length > 0)
      fail(`A scanner subscribed to ${heard[0]}, and the server let it. It may hear its own inbox only.`, {
        readme: "publish-says-nothing-about-subscribe",
      });
  },
);

check(
  "customs is asked by each carrier in its own name",
  {
    server,
    beliefs: {
      "an-export-is-enough": {
        belief: "What one account exports, the others have.",
        readme: "an-export-only-offers",
        hint: "Who has to say what in which account? What does the server answer to who asks on customs.check?",
      },
      "carriers-are-honest": {
        belief: "A carrier puts its own name into the question.",
        readme: "who-asks-is-the-servers-business",
        hint: "On which subjects can the office of north reach customs? Which of them names another carrier?",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const [a, b] = [carrier("north"), carrier("south")];
    const hub = hubOf(a, b);
    const program = await learner.start("accountsOf", [hub]);
    await configure(server, await program.result(), fail);
    const customs = await Party.connect(server, hub.customs, fail);
    const asked: { subject: string; text: string }[] = [];
    customs.nc.subscribe("customs.check.*", {
      callback: (error, message) => {
        if (error) return;
        asked.push({ subject: message.subject, text: message.string() });
        message.respond(`yes, ${message.string()}`);
      },
    });
    await customs.settled();
    const askers: { name: string; party: Party; parcel: string }[] = [];
    for (const { name, office, scanners } of [a, b])
      for (const user of [office, ...scanners])
        askers.push({
          name,
          party: await Party.connect(server, user, fail),
          parcel: `P-${askers.length + 1}`,
        });
    let unheard: (typeof askers)[0] | undefined;
    believes("an-export-is-enough", {
      when: () => unheard !== undefined && asked.length === 0,
      message: () =>
        `\`${unheard?.party.name}\` asked on customs.check, and the server answered: no responders. Customs was there, in another account. A service reaches another account only when one exports it and the other one imports it, under the name that it uses.`,
      wire: () => [
        ...publishes(server, unheard?.party.name ?? "", unheard?.parcel ?? ""),
        ...server.seen(
          (wire) => wire.of("status", { client: unheard?.party.name ?? "", code: 503 }) as WireEvent[],
          [],
        ),
      ],
    });
    const forged = () => asked.find(({ text }) => text === "forged");
    believes("carriers-are-honest", {
      when: () => forged() !== undefined,
      message: () =>
        `The office of a carrier published on the subject that customs has for another one, and customs heard a question on ${forged()?.subject}: as if that one had asked. A carrier says what it wants. Who it is, the server knows: let that put the name into the subject.`,
      wire: () => [
        ...askers.flatMap(({ party }) => publishes(server, party.name, "forged")).slice(0, 1),
        ...arrivals(server, "customs", "forged"),
      ],
    });

    for (const asker of askers) {
      const { name, party, parcel } = asker;
      let answer: string | undefined;
      let error: NatsError | undefined;
      party.nc.request("customs.check", parcel, { timeout: apiMs }).then(
        (message) => {
          answer = message.string();
        },
        (reason: NatsError) => {
          error = reason;
        },
      );
      await until("an answer from customs", () => answer ?? error);
      if (error?.code === "503") {
        // Where customs hears everybody, an import is not what is missing.
        await party.publishes(`customs.check.${name}`, "direct");
        await customs.settled();
        if (!asked.some(({ text }) => text === "direct")) unheard = asker;
      }
      const seen = asked.find(({ text }) => text === parcel);
      if (error || answer !== `yes, ${parcel}`)
        fail(
          `\`${party.name}\` asked customs on customs.check, and got no answer: ${error ? inWords(error) : answer}.`,
          {
            readme: "an-export-only-offers",
            evidence: refusals(server, party.name).map((event) => wireLine(event)),
          },
        );
      if (seen?.subject !== `customs.check.${name}`)
        fail(
          `\`${party.name}\` asked on customs.check. Customs should have heard it on customs.check.${name}; it came on ${seen?.subject}.`,
          {
            readme: "who-asks-is-the-servers-business",
            evidence: arrivals(server, "customs", parcel).map((event) => wireLine(event)),
          },
        );
    }
    // Now each office wants to be another carrier.
    for (const { party, name } of askers.filter(({ party }) => party.name.endsWith("-office"))) {
      const other = name === "north" ? "south" : "north";
      for (const subject of [`customs.check.${other}`, `customs.check.${name}.${other}`])
        await party.publishes(subject, "forged");
    }
    await customs.settled();
    if (forged()) fail("A carrier asked customs in the name of another.");
  },
);

check(
  "what is handed over comes to one carrier",
  {
    server,
    beliefs: {
      "who-imports-gets-its-own": {
        belief: "Who imports a subject gets the messages that are meant for it.",
        readme: "an-import-is-a-subscription",
        hint: "Which messages does your import bring to a carrier: those for it, or all? Which token says for whom a message is?",
      },
      "the-prefix-takes-its-place": {
        belief: "A prefix stands in place of the beginning of the subject.",
        readme: "prefix-and-to",
        hint: "On which subject did the message come? Compare the words `prefix` and `to` of an import.",
      },
      "the-subject-stays": {
        belief: "A message has the same subject in each account.",
        readme: "prefix-and-to",
        hint: "Where in the configuration does it say under which name an account sees what it imports?",
      },
    },
  },
  async ({ server, learner, believes, fail }) => {
    const carriers = ["north", "south", "east"].map((name) => carrier(name));
    const hub = hubOf(...carriers);
    const program = await learner.start("accountsOf", [hub]);
    await configure(server, await program.result(), fail);
    const offices = new Map<string, Party>();
    for (const { name, office } of carriers) offices.set(name, await Party.connect(server, office, fail));
    const customs = await Party.connect(server, hub.customs, fail);
    const all = [...offices.values(), customs];
    for (const party of all) await party.listens(">");

    const handed = [
      { from: "north", to: "south", rest: "P-1" },
      { from: "south", to: "north", rest: "P-2.express" },
      { from: "east", to: "south", rest: "P-3" },
      { from: "east", to: "north", rest: "P-4.express.cold.belt-3" },
      { from: "north", to: "nowhere", rest: "P-5" },
    ];
    for (const { from, to, rest } of handed)
      await offices.get(from)?.publishes(`handover.${to}.${rest}`, rest);
    await offices.get("north")?.publishes("office.news", "private");
    for (const party of all) await party.settled();
    /** No account hears what another one publishes for itself. */
    const apart = !all.some(
      (party) => party !== offices.get("north") && party.heard.some(({ text }) => text === "private"),
    );

    const heardBy = (party: Party | undefined, { rest }: (typeof handed)[0]) =>
      party?.heard.filter(({ text }) => text === rest) ?? [];
    const strangers = handed.flatMap((one) =>
      all
        .filter(
          (party) =>
            party !== offices.get(one.from) &&
            party !== offices.get(one.to) &&
            heardBy(party, one).length > 0,
        )
        .map((party) => ({ ...one, party })),
    );
    believes("who-imports-gets-its-own", {
      when: () => apart && strangers.length > 0,
      message: () => {
        const { party, from, to, rest } = strangers[0] ?? {};
        return `${from} published on handover.${to}.${rest}, and \`${party?.name}\` heard it. An import brings everything that its subject stands for, whoever it is for. Each carrier is to import only what is for it, and the export can say who may.`;
      },
      wire: () =>
        strangers.slice(0, 1).flatMap(({ party, rest }) => arrivals(server, party.name, rest).slice(0, 1)),
    });
    const misplaced = (such: (came: string, one: (typeof handed)[0]) => boolean) =>
      handed.find((one) => heardBy(offices.get(one.to), one).some(({ subject }) => such(subject, one)));
    const behindPrefix = misplaced(
      (came, { to, rest }) => came !== `handover.${to}.${rest}` && came.endsWith(`.handover.${to}.${rest}`),
    );
    const asSent = misplaced((came, { to, rest }) => came === `handover.${to}.${rest}`);
    const arrived = (one: (typeof handed)[0] | undefined): WireEvent[] =>
      one ? arrivals(server, `${one.to}-office`, one.rest).slice(0, 1) : [];
    believes("the-prefix-takes-its-place", {
      when: () => apart && strangers.length === 0 && behindPrefix !== undefined,
      message: () =>
        `${behindPrefix?.from} handed a parcel over to ${behindPrefix?.to}. It should have come on from.${behindPrefix?.from}.${behindPrefix?.rest}, and came on ${heardBy(offices.get(behindPrefix?.to ?? ""), behindPrefix as (typeof handed)[0])[0]?.subject}. A prefix is put in front of the whole subject. With \`to\`, an import gives the subject a new name.`,
      wire: () => arrived(behindPrefix),
    });
    believes("the-subject-stays", {
      when: () => apart && strangers.length === 0 && asSent !== undefined,
      message: () =>
        `${asSent?.from} handed a parcel over to ${asSent?.to}. It came on handover.${asSent?.to}.${asSent?.rest}, which does not say from whom it is. It should have come on from.${asSent?.from}.${asSent?.rest}. An import can give what it brings another subject.`,
      wire: () => arrived(asSent),
    });
    for (const one of handed.filter(({ to }) => offices.has(to))) {
      const expected = `from.${one.from}.${one.rest}`;
      const subjects = heardBy(offices.get(one.to), one).map(({ subject }) => subject);
      if (subjects.length !== 1 || subjects[0] !== expected)
        fail(
          `${one.from} published on handover.${one.to}.${one.rest}. It should have come to ${one.to} on ${expected}, once; ${subjects.length === 0 ? "nothing came" : `it came on ${subjects.join(" and ")}`}.`,
          {
            readme: "an-export-only-offers",
            evidence: publishes(server, `${one.from}-office`, one.rest).map((event) => wireLine(event)),
          },
        );
    }
    if (strangers.length > 0) fail("What was handed over was heard by somebody else.");
  },
);

check(
  "a new carrier comes while the others work",
  {
    server,
    beliefs: {
      "accounts-have-numbers": {
        belief: "An account may have any name, for example the next number.",
        readme: "an-account-is-its-name",
        hint: "Print the text for the hub before and after the change. What is the name of north's account in each of them? What does the server keep under that name?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const [a, b, c] = [carrier("north"), carrier("south"), carrier("east")] as [Carrier, Carrier, Carrier];
    const hub = hubOf(a, b);
    const program = await learner.start("accountsOf", [hub]);
    await configure(server, await program.result(), fail);
    const north = await Party.connect(server, a.office, fail);
    const south = await Party.connect(server, b.office, fail);
    const scanner = await Party.connect(server, a.scanners[0] as Login, fail);
    const refused = await makeStream(north);
    if (refused)
      fail(`The office of north made the stream PARCELS, and the server refused it: ${inWords(refused)}.`);
    for (const parcel of ["P-1", "P-2"]) await jetStreamOf(north).publish("parcel.ams.in", parcel);
    const customs = await Party.connect(server, hub.customs, fail);
    const there = [north, south, scanner, customs];
    if ((await stored(south, fail)) !== undefined) fail("North made a stream, and south has it, too.");

    // The new one is the first of the list.
    const changed = await program.again<string>("accountsOf", [{ ...hub, carriers: [c, b, a] }]);
    await configure(server, changed, fail);
    const cut = () => there.filter(({ nc }) => nc.isClosed());
    const calm = lasting(200, () => cut().length === 0);
    await until("the hub to be in use", () => cut().length > 0 || calm());
    const cutAtFirst = cut();
    const again = async (party: Party, login: Login) =>
      party.nc.isClosed() ? await Party.connect(server, login, fail) : party;
    const held = [
      { carrier: "north", wanted: 2, messages: await stored(await again(north, a.office), fail) },
      { carrier: "south", wanted: undefined, messages: await stored(await again(south, b.office), fail) },
      {
        carrier: "east",
        wanted: undefined,
        messages: await stored(await Party.connect(server, c.office, fail), fail),
      },
    ];
    const moved = held.filter(({ wanted, messages }) => wanted !== messages);
    const told = (messages: number | undefined) =>
      messages === undefined ? "no stream PARCELS" : `a stream PARCELS with ${messages} messages`;
    believes("accounts-have-numbers", {
      when: () => moved.length > 0,
      message: () =>
        `Before the change, only north had a stream PARCELS, with 2 messages. Now ${moved.map(({ carrier, messages }) => `${carrier} has ${told(messages)}`).join(", and ")}. The server keeps streams under the name of their account. A carrier whose account has another name now has another account.`,
      evidence: () =>
        [hub.carriers, [c, b, a]].map(
          (carriers, i) => `${i === 0 ? "before" : "now   "}  ${carriers.map(({ name }) => name).join(", ")}`,
        ),
      wire: () =>
        server.seen(
          (wire) =>
            wire
              .of("apiReply", (event) => event.call === "STREAM.INFO" || event.call === "STREAM.CREATE")
              .filter(({ about }) => about[0] === stream.name) as WireEvent[],
          [],
        ),
    });
    if (moved.length > 0) fail("A stream is not with its carrier any more.");
    if (cutAtFirst.length > 0)
      fail(
        `The hub was changed: a carrier came. The server closed the connection of \`${cutAtFirst[0]?.name}\`, which has nothing to do with it. That happens when its user, password or account is not that of before.`,
        { readme: "an-account-is-its-name" },
      );
    // What east does is done with all the others.
    const east = await Party.connect(server, c.office, fail);
    await south.listens(">");
    await north.listens(">");
    await east.publishes("handover.north.P-9", "P-9");
    await scanner.publishes("parcel.ams.in", "P-10");
    await north.settled();
    await south.settled();
    const subjects = north.heard.map(({ subject }) => subject);
    if (!subjects.includes("from.east.P-9"))
      fail("The new carrier east handed a parcel over to north, and it did not come on from.east.P-9.");
    if (!subjects.includes("parcel.ams.in"))
      fail(
        "After the change, the scanner published on parcel.ams.in, and the office of north did not hear it.",
      );
    if (south.heard.some(({ text }) => text === "P-9" || text === "P-10"))
      fail("After the change, south heard what was not for it.");
    // And one goes.
    await configure(server, await program.again<string>("accountsOf", [{ ...hub, carriers: [a, c] }]), fail);
    const gone = await attempt(() =>
      server.connect("south again", { user: b.office.user, pass: b.office.password }),
    );
    if ("value" in gone)
      fail("The carrier south is no longer one of the hub's. Its office could connect all the same.");
  },
);

/** A hub with one carrier, where everything is as it should be: its office, a scanner in the depot ams, and a visitor who may do nothing. */
function rightHub() {
  const office = login("office");
  const scanner = login("scanner");
  const rights = `permissions: { publish: ["parcel.ams.>", "customs.check"], subscribe: "${inboxOf(scanner.user)}.>" }`;
  const visitor = login("visitor");
  const fewer = `permissions: { publish: "news", subscribe: "${inboxOf(visitor.user)}.>" }`;
  const accounts = `accounts { CARRIER { jetstream: enabled, users: [ ${line(office)}, ${line(scanner, rights)}, ${line(visitor, fewer)} ] } }`;
  return { office, scanner, visitor, accounts };
}

check(
  "what was not stored is told, and nothing else",
  {
    server,
    beliefs: {
      "a-denied-publish-throws": {
        belief: "When I may not publish, publish() throws, or flush() does.",
        readme: "a-denial-comes-from-nowhere",
        hint: "What does the server send when it denies a publish, and to whom does the client say so? Which kind of publish waits for an answer?",
      },
      "taken-is-stored": {
        belief: "When the server has taken my message and denied nothing, the stream has it.",
        readme: "a-denial-comes-from-nowhere",
        hint: "Who can refuse a message that you may publish? Who tells you that it is stored?",
      },
      "one-denial-ends-all": {
        belief: "When one of my messages is denied, the rest is, too.",
        readme: "a-denial-comes-from-nowhere",
        hint: "Three scans, and the second one is denied. What happens to the third in your function? What does the stream have in the end?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const { office: officeLogin, scanner, accounts } = rightHub();
    await configure(server, accounts, fail);
    const office = await Party.connect(server, officeLogin, fail);
    await makeStream(office);
    const manager = await managerOf(office);
    const messages = async () => (await manager.streams.info(stream.name)).state.messages;
    const nc = () =>
      server.connection("scanner", {
        user: scanner.user,
        pass: scanner.password,
        inboxPrefix: inboxOf(scanner.user),
      });
    /** Without asking for an answer. */
    const onlyPublished = (parcel: string) =>
      published(parcel).length > 0 && published(parcel).every(({ reply }) => reply === undefined);
    const published = (parcel: string) => server.wire.publishes({ client: "scanner", text: parcel });
    const denials = () => server.wire.of("error", { client: "scanner" }).filter(({ denied }) => denied);
    const inAms = (parcel: string): Scan => ({ depot: "ams", event: "in", parcel });
    const parcelsOf = (scans: readonly Scan[]) => scans.map(({ parcel }) => parcel).join(", ") || "none";

    const first = [inAms("P-1"), { depot: "ams", event: "fault.belt", parcel: "P-2" }, inAms("P-1")];
    const program = await learner.start("storeScans", [nc(), first]);
    expectScans(await program.result(), [], "All scans could be stored", fail);
    // What was only published may need a moment more.
    const nothing = lasting(1_000, () => true);
    await until("the stream to have them", async () => (await messages()) === 3 || nothing());
    const held: string[] = [];
    for (let seq = 1; seq <= (await messages()); seq++) {
      const message = await manager.streams.getMessage(stream.name, { seq });
      held.push(`${message.string()} on ${message.subject}`);
    }
    if (held.toSorted().join() !== "P-1 on parcel.ams.in,P-1 on parcel.ams.in,P-2 on parcel.ams.fault.belt")
      fail(
        `\`storeScans\` was to store P-1 on parcel.ams.in, P-2 on parcel.ams.fault.belt, and P-1 on parcel.ams.in again. The stream has ${held.join(", and ") || "nothing"}.`,
      );

    // The answers of the stream are on the way for so long that the denial comes first.
    const denied = { depot: "rtm", event: "in", parcel: "P-4" };
    const second = [inAms("P-3"), denied, inAms("P-5")];
    let told: { value: Scan[] } | { error: { message: string } } | undefined;
    const unnoticed = () =>
      told !== undefined && "value" in told && !told.value.some(({ parcel }) => parcel === denied.parcel);
    believes("a-denied-publish-throws", {
      when: () => denials().length > 0 && unnoticed() && onlyPublished(denied.parcel),
      message:
        "The scanner of ams may not publish for the depot rtm. The server denied P-4, and `storeScans` told that all is stored. publish() hands a message over and waits for nothing; flush() waits until the server has read it. The denial is an error of the connection, and belongs to no call.",
      wire: () => [...published(denied.parcel), ...denials()],
    });
    believes("one-denial-ends-all", {
      when: () => denials().length > 0 && told !== undefined && !unnoticed(),
      message: () =>
        `Three scans were given. The server denied the second, P-4, and only that. ${told && "value" in told ? `\`storeScans\` told that these are not stored: ${parcelsOf(told.value)}` : `\`storeScans\` threw an error, so nobody knows about the others: ${told?.error.message}`}. Each message has an answer of its own.`,
      wire: () => [...second.flatMap(({ parcel }) => published(parcel)), ...denials()],
    });
    const answers = server.relay.hold(({ kind }) => kind === "puback", {
      who: "scanner",
      what: "the answers of the stream",
    });
    const storing = program.attempt<Scan[]>("storeScans", [nc(), second]);
    storing.catch(() => {});
    const waits = lasting(500, () => answers.events.length > 0);
    await until("the scans to be published", () => denials().length > 0 || waits());
    await program.answers(2);
    answers.release();
    told = await storing;
    // A denial that nobody waits for is still on its way.
    const quiet = lasting(500, () => true);
    await until("the server's answer", () => denials().length > 0 || quiet());
    if (!("value" in told) || parcelsOf(told.value) !== denied.parcel)
      fail(
        `Of three scans the server denied one, P-4. ${"value" in told ? `\`storeScans\` should have returned it; it returned ${parcelsOf(told.value)}` : `\`storeScans\` threw an error: ${told.error.message}`}.`,
        { readme: "a-denial-comes-from-nowhere" },
      );
    told = undefined;
    if ((await messages()) !== 5)
      fail(`Five scans could be stored up to now. The stream has ${await messages()} messages.`);

    // Now the stream takes one more, and not a second.
    await manager.streams.update(stream.name, { max_msgs: 6, discard: DiscardPolicy.New });
    const third = [inAms("P-6"), inAms("P-7"), { depot: "rtm", event: "in", parcel: "P-8" }];
    const refused = await program.attempt<Scan[]>("storeScans", [nc(), third]);
    believes("taken-is-stored", {
      when: () => "value" in refused && !parcelsOf(refused.value).includes("P-7") && onlyPublished("P-7"),
      message:
        "The stream had room for one more message, and refused P-7. `storeScans` did not tell that. The server takes a message when it has read it. What the stream did with it, only the stream's own answer tells.",
      evidence: async () => [`in the stream  ${await messages()} of 6 messages`],
      wire: () => published("P-7"),
    });
    if (!("value" in refused) || parcelsOf(refused.value) !== "P-7, P-8")
      fail(
        `The stream stored P-6 and refused P-7, and the server denied P-8. ${"value" in refused ? `\`storeScans\` should have returned P-7, P-8; it returned ${parcelsOf(refused.value)}` : `\`storeScans\` threw an error: ${refused.error.message}`}.`,
        { readme: "a-denial-comes-from-nowhere" },
      );
    program.leavesConnectionOpen();
  },
);

/** Fails when these are not the scans that were told as not stored. */
function expectScans(told: unknown, wanted: readonly Scan[], why: string, fail: Fail): void {
  const text = JSON.stringify(told);
  if (text === JSON.stringify(wanted)) return;
  fail(`${why}. \`storeScans\` should have returned ${JSON.stringify(wanted)}; it returned ${text}.`);
}

check(
  "a scanner asks customs through an inbox of its own",
  {
    server,
    beliefs: {
      "every-inbox-is-allowed": {
        belief: "Who may ask can hear the answer.",
        readme: "an-inbox-is-a-subject",
        hint: "To which subject did the client subscribe for the answer? To which one may this user? Look for what `connect` can be told about it.",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const { office: officeLogin, scanner, accounts } = rightHub();
    await configure(server, accounts, fail);
    const office = await Party.connect(server, officeLogin, fail);
    let allowed = "P-1";
    let strange: string | undefined;
    office.nc.subscribe("customs.check", {
      callback: (error, message) => {
        const parcel = message.string();
        if (error || !["P-1", "P-2"].includes(parcel)) strange = JSON.stringify(parcel);
        else message.respond(parcel === allowed ? "yes" : "no");
      },
    });
    await office.settled();
    const denied = () =>
      server.wire
        .of("error", { client: "scanner" })
        .filter(
          (event) => event.denied?.operation === "subscribe" && event.denied.subject.startsWith("_INBOX."),
        );
    believes("every-inbox-is-allowed", {
      when: () => denied().length > 0,
      message: () =>
        `The client asked for the answer on ${denied()[0]?.denied?.subject}. The server denied it: this user may subscribe to ${inboxOf(scanner.user)}.> only. A request waits for its answer on a subject, and the user needs a right for it.`,
      wire: denied,
    });
    const hub = server.options("scanner");
    const program = await learner.start("askCustoms", [withoutUser(hub), scanner, "P-1"], {
      ownsConnection: true,
    });
    const expectAnswer = (parcel: string, wanted: boolean, value: unknown) => {
      if (strange !== undefined)
        fail(`Customs was to be asked about ${parcel}. It was asked about ${strange}.`);
      if (value !== wanted)
        fail(
          `Customs said ${wanted ? "yes" : "no"} to ${parcel}. \`askCustoms\` returned ${JSON.stringify(value)}.`,
        );
    };
    const ask = (parcel: string) => program.again<boolean>("askCustoms", [withoutUser(hub), scanner, parcel]);
    await until("`askCustoms` to be done", () => program.settled || strange);
    expectAnswer("P-1", true, strange === undefined ? await program.result() : undefined);
    expectAnswer("P-2", false, await ask("P-2"));
    // Customs may think again.
    allowed = "P-2";
    expectAnswer("P-2", true, await ask("P-2"));
  },
);

check(
  "without an answer of customs, nobody knows",
  {
    budgetMs: 20_000,
    server,
    beliefs: {
      "no-answer-means-no": {
        belief: "When customs does not say yes, it says no.",
        readme: "no-answer-is-no-answer",
        hint: "Which answers can come, and what can come instead of an answer? What does the caller do with a parcel for which you return false?",
      },
    },
  },
  async ({ server, learner, believes, fail }) => {
    const { office: officeLogin, scanner, visitor, accounts } = rightHub();
    await configure(server, accounts, fail);
    const office = await Party.connect(server, officeLogin, fail);
    const hub = withoutUser(server.options("scanner"));
    let outcome: { value: boolean } | { error: { message: string } } | undefined;
    let situation = "";
    believes("no-answer-means-no", {
      when: () => outcome !== undefined && "value" in outcome,
      message: () =>
        `${situation} \`askCustoms\` returned ${outcome && "value" in outcome ? JSON.stringify(outcome.value) : ""}. That is an answer which customs never gave: a parcel is sent back, or let through, because somebody was not there.`,
      wire: () =>
        server.wire
          .of("status", { client: "scanner" })
          .concat(server.wire.of("reply", { client: "scanner" }) as never)
          .slice(-1),
    });
    const answers: Readonly<Record<string, string>> = { "P-1": "yes", "P-3": "yes, but tomorrow", "P-5": "" };
    const open = async () => {
      const questions = office.nc.subscribe("customs.check", {
        callback: (error, message) => {
          const answer = answers[message.string()];
          if (!error && answer !== undefined) message.respond(answer);
        },
      });
      await office.settled();
      return questions;
    };
    const questions = await open();
    const program = await learner.start("askCustoms", [hub, scanner, "P-1"], { ownsConnection: true });
    const first = await program.result();
    if (first !== true) fail(`Customs said yes to P-1. \`askCustoms\` returned ${JSON.stringify(first)}.`);
    questions.unsubscribe();
    await office.settled();
    const ask = async (parcel: string, what: string, who: Login = scanner) => {
      outcome = undefined;
      situation = what;
      outcome = await program.attempt<boolean>("askCustoms", [hub, who, parcel]);
      if ("value" in outcome) fail(`${what} \`askCustoms\` threw no error.`);
    };
    await ask("P-2", "Customs was not there: the server answered 503, no responders.");
    await open();
    await ask("P-3", "Customs answered: yes, but tomorrow.");
    await ask("P-5", "Customs answered nothing but an empty text.");
    await ask("P-1", "A scanner asked that may not publish on customs.check.", visitor);
    await ask("P-1", "The password was wrong.", { ...scanner, password: "wrong" });
    await ask("P-4", "Customs was there, and did not answer.");
  },
);

/** Where the hub is. Who connects is the program's business. */
function withoutUser({ servers, name }: ReturnType<CheckServer["options"]>) {
  return { ...(servers !== undefined && { servers }), ...(name !== undefined && { name }) };
}
