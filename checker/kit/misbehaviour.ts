// The ways in which a program can misbehave apart from what a lesson is about, each with its id and its own plain sentence.
import type { Failure } from "./channel.ts";
import type { FindingParts, Location } from "./finding.ts";
import { learnerLine } from "./source-lines.ts";

/** What the check asked of the program when it happened, for example "while `watch` was running". */
type When = string;

/** What a program did to a connection that it was handed; `close-streaming`: to a client of NATS Streaming. */
export type HowClosed = "close" | "drain" | "close-streaming";

/** Words of somebody else, inside of a sentence: that has a full stop of its own. */
const inASentence = (words: string) => words.replace(/(?<!\.)\.$/, "");

/** The JavaScript of a file, as Node names it: `file:///…/runs/grade-1/out/home/me/lessons/exercise.js` (checker/grading/compile.ts). */
const compiled = /file:\/\/\S*\/runs\/[^/\s]+\/out(\/\S+?)\.m?js\b/g;

export const misbehaviour = {
  exited(status: number, when: When, loading: boolean): FindingParts {
    return {
      diagnosis: loading ? "exit-while-loading" : "exit-too-early",
      message: loading
        ? `Your program ended itself with exit status ${status} while it was being loaded, before it was asked to do anything. Look for \`process.exit\` outside your functions.`
        : `Your program ended itself with exit status ${status} ${when}. A \`process.exit\` stops everything at once: messages that were not sent yet are lost.`,
      ...(loading && { status: "error" as const }),
    };
  },
  badExit(status: number): FindingParts {
    return {
      diagnosis: "exit-with-failure",
      message: `Your program did its work, but then ended with exit status ${status}. Every status but 0 tells whoever started it that it failed.`,
    };
  },
  exitAtTheEnd(): FindingParts {
    return {
      diagnosis: "exit-at-the-end",
      message:
        "Your program did its work, and then ended itself with `process.exit(0)`. That cuts off what is still on its way, and hides what was left open. Close what you opened; then the process ends by itself.",
    };
  },
  killedItself(signal: string, when: When): FindingParts {
    return {
      diagnosis: "killed-itself",
      message: `Your program was ended by the signal ${signal} ${when}, and the check did not send it. Look for \`process.kill\` and \`process.abort\`.`,
    };
  },
  killedParent(): FindingParts {
    return {
      diagnosis: "killed-its-parent",
      message:
        "Your program ended the process that started it (`process.ppid`). A program must not end what it does not own; the check goes on without that process.",
    };
  },
  forged(): FindingParts {
    return {
      diagnosis: "forged-report",
      message:
        "Your program wrote to the pipe on which the course's own host reports to the check. Nothing that was written there counted. Leave the file descriptors 3 and 4 alone.",
    };
  },
  uncaught(error: Failure, rejection: boolean, when: When, loading: boolean): FindingParts {
    const said = error.message.replace(compiled, "$1.ts") || "(no message)";
    const what = error.name === "Error" ? said : `${error.name}: ${said}`;
    const place = learnerLine(error.stack);
    const message = loading
      ? `Your file could not be loaded: ${what}`
      : rejection
        ? `A promise in your program was rejected and nobody handled it ${when}: ${inASentence(what)}. Node ends the process for that. \`await\` the promise, or \`catch\` it.`
        : `An error was thrown in your program ${when} and nobody caught it: ${inASentence(what)}. Node ends the process for that.`;
    return {
      diagnosis: loading ? "throws-while-loading" : rejection ? "unhandled-rejection" : "uncaught-error",
      message,
      ...(place && { location: place }),
      ...(loading && { status: "error" as const }),
    };
  },
  endlessLoop(when: When, loading: boolean, place?: Location): FindingParts {
    return {
      diagnosis: loading ? "endless-loop-while-loading" : "endless-loop",
      message: `Your program is in an endless loop ${when}: it never gives control back, so no message can arrive and no timer can fire.`,
      ...(place && { location: place }),
      ...(loading && { status: "error" as const }),
    };
  },
  endlessMicrotasks(when: When, loading: boolean, place?: Location): FindingParts {
    return {
      diagnosis: loading ? "endless-microtasks-while-loading" : "endless-microtasks",
      message: `Your program awaits promises that are resolved already, for ever, ${when}. Such an \`await\` lets other promises run, but no message can arrive and no timer can fire: await something that comes from outside.`,
      ...(place && { location: place }),
      ...(loading && { status: "error" as const }),
    };
  },
  standsStill(when: When): FindingParts {
    return {
      diagnosis: "stands-still",
      message: `Your program does not answer ${when}, and does nothing either: a call that blocks holds it. Look for \`execSync\`, \`spawnSync\`, \`readSync\` and \`Atomics.wait\`.`,
    };
  },
  neverEnds(what: string, seconds: number): FindingParts {
    return {
      diagnosis: "never-ends",
      message: `${what} has not finished after ${seconds} seconds, and the program is idle: it awaits something that does not come.`,
    };
  },
  neverStops(what: string, seconds: number, pullMs: number): FindingParts {
    const pull =
      pullMs > 0
        ? ` Its last request for messages waits in the server for another ${Math.max(1, Math.round(pullMs / 1_000))} seconds.`
        : "";
    return {
      diagnosis: "never-stops",
      message: `${what} was told to stop ${seconds} seconds ago and has not returned: it still waits for something that does not come.${pull} A loop that waits cannot look at a signal. Let the signal itself end the wait.`,
    };
  },
  loadingNeverEnds(seconds: number): FindingParts {
    return {
      diagnosis: "loading-never-ends",
      message: `Your file has not finished loading after ${seconds} seconds: an \`await\` outside your functions waits for something that does not come.`,
      status: "error",
    };
  },
  tooMuchMemory(usedMb: number, budgetMb: number): FindingParts {
    return {
      diagnosis: "too-much-memory",
      message: `Your program took ${usedMb} MB of memory; this check allows ${budgetMb} MB. It was ended. Something is kept that should be let go, or made without end.`,
    };
  },
  tooMuchOutput(budgetKb: number): FindingParts {
    return {
      diagnosis: "too-much-output",
      message: `Your program printed more than ${budgetKb} kB; it was ended. Look for a \`console.log\` in a loop that does not end.`,
    };
  },
  /** @param pullMs how long a pull of the program may still wait in the server */
  stillOpen(resources: readonly string[], pullMs = 0): FindingParts {
    const has = (...names: string[]) => names.some((name) => resources.includes(name));
    if (has("ProcessWrap")) {
      return {
        diagnosis: "child-left-running",
        message:
          "Your program is done, but a process that it started still runs. End it before your function returns.",
      };
    }
    if (has("TCPSocketWrap", "TLSWrap", "TCPWRAP")) {
      return {
        diagnosis: "connection-left-open",
        message:
          "Your program is done, but a connection that it opened is still open, so the process cannot end. Close it with `await nc.drain()` or `await nc.close()`.",
      };
    }
    if (has("Timeout", "Immediate")) {
      return {
        diagnosis: "timer-left-running",
        message: `Your program is done, but one of its timers still runs, so the process cannot end. ${
          pullMs > 0
            ? `A \`next()\` or \`fetch()\` that nobody waits for any more has such a timer, and a pull of yours may wait for ${Math.ceil(pullMs / 1_000)} s more. It cannot be called back: give it a short \`expires\`, or use \`consume()\` and end that. A timer of your own ends with \`clearTimeout\` or \`clearInterval\`.`
            : "Clear it with `clearTimeout` or `clearInterval`; a `sleep` takes a `signal`."
        }`,
      };
    }
    return {
      diagnosis: "does-not-end",
      message: `Your program is done, but the process does not end${resources.length ? `: still open are ${resources.join(", ")}` : ""}.`,
    };
  },
  childLeft(): FindingParts {
    return {
      diagnosis: "child-left-running",
      message:
        "Your program ended, but a process that it started still ran, and was ended. End it before your function returns.",
    };
  },
  replacedGlobals(names: readonly string[]): FindingParts {
    const list = names.map((name) => `\`${name}\``).join(", ");
    return {
      diagnosis: "replaced-globals",
      message: `Your program replaced ${list}. The nats client and Node itself stand on the originals; put them back.`,
    };
  },
  closedHanded(how: HowClosed): FindingParts {
    if (how === "close-streaming") {
      return {
        diagnosis: "closed-handed-connection",
        message:
          "Your program closed the connection that it was handed (`close()` of the client). It belongs to whoever opened it, and is still needed. Close only what you opened; to end a subscription, call `close()` or `unsubscribe()` of that.",
      };
    }
    return {
      diagnosis: how === "close" ? "closed-handed-connection" : "drained-handed-connection",
      message: `Your program ${how === "close" ? "closed the connection that it was handed (`close()`)" : "drained the connection that it was handed (`drain()` closes it in the end)"}. It belongs to whoever opened it, and is still needed. Close only what you opened; to stop a subscription, drain that.`,
    };
  },
  destroyedStream(how: "delete" | "purge", stream: string): FindingParts {
    return {
      diagnosis: how === "delete" ? "deleted-handed-stream" : "purged-handed-stream",
      message: `Your program ${how === "delete" ? `deleted the stream ${stream}` : `purged the stream ${stream}`}, which was there before it. The messages in it are gone for everyone.`,
    };
  },
  foreignServer(port: number): FindingParts {
    return {
      diagnosis: "foreign-server",
      message: `Your program connected to port ${port}, where the server of another check listens. Each check has a server of its own: connect with the options that the function is given.`,
    };
  },
  /** The file as it is cannot be run: every check says so. */
  unfit(id: string, message: string, place?: Location): FindingParts {
    return { diagnosis: id, message, status: "error", ...(place && { location: place }) };
  },
  threw(what: string, error: Failure): FindingParts {
    const place = learnerLine(error.stack);
    const name = error.name && error.name !== "Error" && error.name !== "NatsError" ? `${error.name}: ` : "";
    return {
      message: `${what} failed: ${name}${inASentence(error.message) || "(an error without a message)"}${error.code && error.code !== error.message ? ` (code ${error.code})` : ""}.`,
      ...(place && { location: place }),
    };
  },
  noFunction(target: string, value: unknown): FindingParts {
    const given = value === null || value === undefined ? String(value) : `a value of type ${typeof value}`;
    return {
      message: `\`${target}\` is to return a function; it returned ${given}. What that function does stands above \`${target}\` in the exercise, at \`@returns\`.`,
    };
  },
  missingExport(name: string, exported: readonly string[]): FindingParts {
    return {
      diagnosis: "missing-export",
      status: "error",
      message: `Your file does not export \`${name}\`${exported.length ? `; it exports ${exported.map((each) => `\`${each}\``).join(", ")}` : ""}. Write \`export\` before the function, and keep its name.`,
    };
  },
  wrongExport(name: string, kind: string): FindingParts {
    return {
      diagnosis: "wrong-export",
      status: "error",
      message: `\`${name}\` must be a function; your file exports ${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind} by that name.`,
    };
  },
} as const;
