// What a lesson's lab.ts imports: the scene of a lesson, played by itself, for a learner to look at.
import type { ConnectionOptions, NatsConnection } from "nats";
import type { Stan } from "node-nats-streaming";
import type { ServerSettings } from "../nats/server.ts";
import { type Random, randomFrom } from "./random.ts";
import { closeStreaming } from "./streaming-client.ts";

export type { Random } from "./random.ts";

/** A lesson's scene. The same seed gives the same scene, up to the traffic's timing. */
export interface Lab {
  /** The server, where the default (JetStream on, one account) does not do. */
  server?(random: Random): ServerSettings;
  /** A NATS Streaming server stands beside it. */
  readonly streaming?: boolean;
  /** Makes streams and consumers, starts the traffic, and returns when the scene is complete. */
  play(actors: Actors): Promise<LabNotes>;
}

export interface LabNotes {
  /** What is to be seen, and perhaps what is wrong: a line each. */
  readonly story: readonly string[];
  /** Commands of the nats CLI to begin with, without `nats` itself. */
  readonly tryThese: readonly string[];
}

/** What a scene is played with. */
export interface Actors {
  readonly random: Random;
  /** A connection for one actor, by the name that `nats server report connections` shows. */
  connect(name: string, more?: ConnectionOptions): Promise<NatsConnection>;
  /** A client of NATS Streaming for one actor, by its client id; of a lab with `streaming`. */
  connectStreaming(clientId: string): Promise<Stan>;
  /** Does something again and again, the next time so many milliseconds after the last one has ended. */
  every(ms: number, act: () => void | Promise<void>): void;
  /** Aborted when the scene ends. */
  readonly ended: AbortSignal;
}

export interface Playing {
  readonly notes: LabNotes;
  /** Ends all actors. */
  end(): Promise<void>;
}

/** The settings of the server that a lab with this seed needs. */
export function labServer(lab: Lab, seed: number): ServerSettings {
  return { name: `hub-${seed}`, ...lab.server?.(randomFrom(seed)) };
}

/**
 * Plays a scene.
 * @param dial how an actor connects
 * @param onTrouble told when an actor fails while the scene goes on
 * @param dialStreaming how an actor connects to the NATS Streaming server, where there is one
 */
export async function playLab(
  lab: Lab,
  seed: number,
  dial: (name: string, more?: ConnectionOptions) => Promise<NatsConnection>,
  onTrouble: (error: Error) => void = () => {},
  dialStreaming: (clientId: string) => Promise<Stan> = noStreaming,
): Promise<Playing> {
  const over = new AbortController();
  const connections: NatsConnection[] = [];
  const streamingClients: Stan[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const end = async () => {
    over.abort();
    for (const timer of timers) clearTimeout(timer);
    await Promise.allSettled(streamingClients.map(closeStreaming));
    await Promise.allSettled(connections.map((nc) => nc.close()));
  };
  const every: Actors["every"] = (ms, act) => {
    const once = async () => {
      try {
        await act();
      } catch (error) {
        if (!over.signal.aborted) onTrouble(error as Error);
      }
      if (over.signal.aborted) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        void once();
      }, ms);
      timers.add(timer);
    };
    void once();
  };
  try {
    const notes = await lab.play({
      // The server's settings use up choices of their own; the scene begins with the same number again.
      random: randomFrom(seed),
      connect: async (name, more) => {
        const nc = await dial(name, more);
        connections.push(nc);
        return nc;
      },
      connectStreaming: async (clientId) => {
        const client = await dialStreaming(clientId);
        streamingClients.push(client);
        return client;
      },
      every,
      ended: over.signal,
    });
    return { notes, end };
  } catch (error) {
    await end();
    throw error;
  }
}

function noStreaming(): never {
  throw new Error("A lab that uses NATS Streaming says so: streaming.");
}
