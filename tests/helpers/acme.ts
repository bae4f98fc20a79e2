/** `--tls acme` against a real authority, with a clock and pauses in the test's hands. */
import type { AcmeConfig, AcmeIo } from "../../acme_source.ts";
import { limitsWith } from "../../limits.ts";
import { silentLog } from "../../log.ts";
import { withFolder } from "./backups.ts";
import { type Pebble, startPebble } from "./pebble.ts";

/** The name every certificate of these tests is for. */
export const ACME_DOMAIN = "chat.example.org";

/** The settings that ask this authority. */
export function acmeConfig(
  dataDir: string,
  pebble: Pick<Pebble, "directory" | "caFile" | "httpPort">,
): AcmeConfig {
  return {
    dataDir,
    origin: `https://${ACME_DOMAIN}`,
    isTrustedProxy: () => false,
    limits: limitsWith({ shutdownMilliseconds: 100 }),
    acme: {
      domain: ACME_DOMAIN,
      directory: pebble.directory,
      email: "owner@example.org",
      httpListen: { hostname: "127.0.0.1", port: pebble.httpPort },
      caFile: pebble.caFile,
    },
  };
}

/** What {@link patientIo} gives a test. */
export interface Patient {
  readonly io: AcmeIo;
  /** What people were told. */
  readonly said: string[];
  /** How long the source wanted to wait, each time. */
  readonly pauses: number[];
  readonly clock: { now: number };
  /** Resolves when the source has nothing to do for now. */
  idle(): Promise<void>;
  /** Time passes, and the source looks at the clock. */
  pass(milliseconds: number): void;
}

/** A clock that stands still, and pauses that end only when the test says so. */
export function patientIo(): Patient {
  const said: string[] = [];
  const pauses: number[] = [];
  let resume = () => {};
  let paused = Promise.withResolvers<void>();
  const clock = { now: Date.now() };
  const io: AcmeIo = {
    now: () => clock.now,
    log: silentLog,
    say: (line) => said.push(line),
    patience: 20,
    pause: (milliseconds, stop) =>
      new Promise((resolve) => {
        pauses.push(milliseconds);
        resume = resolve;
        stop.addEventListener("abort", () => resolve(), { once: true });
        paused.resolve();
      }),
  };
  return {
    io,
    said,
    pauses,
    clock,
    idle: () => paused.promise,
    pass(milliseconds) {
      clock.now += milliseconds;
      paused = Promise.withResolvers<void>();
      resume();
    },
  };
}

/** Runs `body` beside an authority, with an empty data folder. */
export async function withPebble(
  body: (pebble: Pebble, dataDir: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (root) => {
    const pebble = await startPebble(root);
    try {
      await Deno.mkdir(`${root}/data`);
      await body(pebble, `${root}/data`);
    } finally {
      await pebble.stop();
    }
  });
}
