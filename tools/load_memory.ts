/** What the memory of a server does while messages pass: does it level out, or grow with their number? */

/** One look: messages that had passed by then, and resident memory in bytes. */
export interface MemoryLook {
  readonly messages: number;
  readonly bytes: number;
}

/** What many looks say, in MiB. */
export interface MemoryFound {
  readonly firstMib: number;
  readonly lastMib: number;
  readonly mostMib: number;
  /** MiB for each million messages, by least squares over the last two thirds of the run; null for too few looks. */
  readonly slopeMibPerMillion: number | null;
}

const MIB = 2 ** 20;
const MILLION = 1e6;
/** A line through fewer points says nothing. */
const LEAST_LOOKS = 4;

/** Sums up at least one look, in order of time. */
export function memoryFound(looks: readonly MemoryLook[]): MemoryFound {
  const first = looks[0]!, last = looks.at(-1)!;
  const slope = slopeOf(lastTwoThirds(looks));
  return {
    firstMib: first.bytes / MIB,
    lastMib: last.bytes / MIB,
    mostMib: Math.max(...looks.map(({ bytes }) => bytes)) / MIB,
    slopeMibPerMillion: slope === null ? null : slope * MILLION / MIB,
  };
}

/** By messages, not by looks: a start is slow, caches fill and code is compiled. */
function lastTwoThirds(looks: readonly MemoryLook[]): readonly MemoryLook[] {
  const from = looks[0]!.messages;
  const whole = looks.at(-1)!.messages - from;
  return looks.filter(({ messages }) => messages >= from + whole / 3);
}

/** Bytes a message. */
function slopeOf(looks: readonly MemoryLook[]): number | null {
  if (looks.length < LEAST_LOOKS) return null;
  const mean = (of: (look: MemoryLook) => number) =>
    looks.reduce((sum, look) => sum + of(look), 0) / looks.length;
  const [messages, bytes] = [mean((look) => look.messages), mean((look) => look.bytes)];
  let [both, spread] = [0, 0];
  for (const look of looks) {
    both += (look.messages - messages) * (look.bytes - bytes);
    spread += (look.messages - messages) ** 2;
  }
  return spread === 0 ? null : both / spread;
}
