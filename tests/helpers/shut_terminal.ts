/** `snug chat --json` at a server of account_world.ts, line by line. */
import assert from "node:assert/strict";
import { JsonClient, type Output } from "../../client/terminal/json_client.ts";
import { ChatSession } from "../../client/terminal/session.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import type { HttpSend } from "../../client/transport.ts";
import { ORIGIN, Visitor, type World } from "./account_world.ts";
import { quickPassword } from "./guarded.ts";

export interface ShutTerminal {
  /** Sends a command; resolves to its answer. */
  ask(command: Record<string, unknown>): Promise<Output>;
  /** Everything it has said. */
  readonly said: Output[];
  close(): Promise<void>;
}

/** A terminal at a server, whose sockets stay shut. */
export function makeTerminal(world: World): ShutTerminal {
  const visitor = new Visitor(world);
  const said: Output[] = [];
  const send: HttpSend = async ({ method, path, headers, body }) => {
    const { status, headers: answered, body: content } = await visitor.request(path, {
      ...{ method, headers: { ...headers }, body },
    });
    return { status, headers: answered, body: content };
  };
  const session = new ChatSession({
    ...{ origin: ORIGIN, send, now: world.clock.now },
    socket: () => ({ send: () => {}, close: () => {} }),
    openStore: () => Promise.resolve(new MemoryStore()),
    password: () => Promise.resolve(quickPassword),
    known: () => Promise.resolve(false),
    fault: (error) => assert.fail(String(error)),
  });
  const client = new JsonClient(session, (output) => void said.push(output));
  const ask = async (command: Record<string, unknown>) => {
    const ref = `ask ${said.length}`;
    await client.take(JSON.stringify({ ...command, ref }));
    return said.find((output) => output["ref"] === ref)!;
  };
  return { ask, said, close: () => session.close() };
}
