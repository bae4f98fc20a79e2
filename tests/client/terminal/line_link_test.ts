/** Linking as people do it at two terminals, at a server in this process. */
import assert from "node:assert/strict";
import decodeQR from "qr/decode.js";
import { MemoryStore } from "../../../client/store_memory.ts";
import { LineClient } from "../../../client/terminal/line_client.ts";
import { ChatSession } from "../../../client/terminal/session.ts";
import type { LocalStore } from "../../../client/store.ts";
import type { HttpSend } from "../../../client/transport.ts";
import { makeWorld, ORIGIN, Visitor, type World } from "../../helpers/account_world.ts";
import { quickPassword, signUpGuarded } from "../../helpers/guarded.ts";

const LOOK = "/sign-in/link/wait";

interface AtTerminal {
  readonly printed: string[];
  readonly hidden: boolean[];
  type(line: string): Promise<void>;
  /** The server does not answer what it is asked at paths that begin so. */
  silent: string | null;
  /** The paths that the server was asked for. */
  readonly asked: string[];
  /** Resolves with the first line, from now on or before, that fits. */
  says(words: RegExp): Promise<string>;
  close(): Promise<void>;
}

async function terminal(world: World, store: LocalStore): Promise<AtTerminal> {
  const visitor = new Visitor(world, "terminal");
  visitor.api.login = null;
  const send: HttpSend = async ({ method, path, headers, body }) => {
    at.asked.push(path);
    if (at.silent !== null && path.startsWith(at.silent)) throw new Error("no answer");
    const answer = await visitor.request(path, { method, headers: { ...headers }, body });
    return { status: answer.status, headers: answer.headers, body: answer.body };
  };
  const session = new ChatSession({
    ...{ origin: ORIGIN, send, now: world.clock.now },
    socket: () => ({ send: () => {}, close: () => {} }),
    openStore: () => Promise.resolve(store),
    password: () => Promise.resolve(quickPassword),
    known: () => Promise.resolve(false),
    fault: (error) => assert.fail(String(error)),
    after: (ms, run) => {
      // Twenty times as fast, and not so fast that the server would find it too often.
      const timer = setTimeout(run, ms / 20);
      return () => clearTimeout(timer);
    },
  });
  const [printed, hidden]: [string[], boolean[]] = [[], []];
  let wake = () => {};
  const client = new LineClient(
    session,
    (line) => {
      printed.push(line);
      wake();
    },
    (hide) => void hidden.push(hide),
  );
  const at: AtTerminal = {
    ...{ printed, hidden, silent: null, asked: [] },
    type: async (line) => void await client.take(line),
    async says(words) {
      for (;;) {
        const found = printed.find((line) => words.test(line));
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => wake = resolve);
      }
    },
    close: () => session.close(),
  };
  await client.begin(ORIGIN);
  return at;
}

/** A fresh terminal that waits, and a signed-in one that has typed its code and digits. */
async function upToThePassword(world: World, store: LocalStore, before: readonly string[] = []) {
  const old = await terminal(world, store);
  const fresh = await terminal(world, new MemoryStore());
  for (const line of before) await old.type(line);
  await fresh.type("/link");
  const code = (await fresh.says(/^ {2}[0-9A-Z]{4}-/)).trim();
  await old.type(`/link ${code}`);
  const digits = /there: (\d{3} \d{3})/.exec(await fresh.says(/You are about to be @ana/))![1]!;
  await old.type(digits);
  await old.says(/Your password/);
  return { old, fresh };
}

/** What a scanner reads off the screen: every character is two dots, black on white. */
function scanned(lines: readonly string[]): string {
  const rows = lines.filter((line) => line.includes("\x1b[30;107m")).flatMap((line) => {
    const dots = [...line.slice(line.indexOf("m") + 1, line.lastIndexOf("\x1b"))];
    return [dots.map((dot) => "█▀".includes(dot)), dots.map((dot) => "█▄".includes(dot))];
  });
  const [scale, edge] = [4, 16];
  const [width, height] = [rows[0]!.length * scale + 2 * edge, rows.length * scale + 2 * edge];
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < rows.length * scale; y++) {
    for (let x = 0; x < rows[0]!.length * scale; x++) {
      const dark = rows[Math.floor(y / scale)]![Math.floor(x / scale)];
      if (dark) {
        data.fill(0, ((y + edge) * width + x + edge) * 4, ((y + edge) * width + x + edge) * 4 + 3);
      }
    }
  }
  return decodeQR({ width, height, data });
}

Deno.test("a terminal shows a code that can be scanned and typed; another one takes it", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana", new Visitor(world));
  const old = await terminal(world, ana.store);
  const fresh = await terminal(world, new MemoryStore());
  assert.ok(fresh.printed.some((line) => line.includes("/link")));
  await fresh.type("/link");
  const code = /^ {2}([0-9A-Z-]{19})$/.exec(await fresh.says(/^ {2}[0-9A-Z]{4}-/))![1]!;
  const address = scanned(fresh.printed);
  assert.ok(address.startsWith(`${ORIGIN}/settings/link#${code}.`), address);

  await old.type("/link");
  await old.says(/Like this: \/link/);
  await old.type("/link ABCD");
  await old.says(/That is no code/);
  await old.type(`/link ${code.toLowerCase().replaceAll("-", " ")}`);
  await old.says(/six digits/);
  const digits = /there: (\d{3} \d{3})/.exec(await fresh.says(/You are about to be @ana/))![1]!;
  await old.type("12");
  await old.says(/not the digits/);
  await old.type(digits);
  await old.says(/Your password/);
  assert.equal(old.hidden.at(-1), true);
  await old.type("not the password at all");
  await old.says(/not right/);
  await old.type(ana.password);
  await old.says(/It is linked/);
  await fresh.says(/You are @ana/);
  assert.equal((await world.deps.store.devices.named(ana.account)).length, 2);
  await fresh.close();
  await old.close();
  world.close();
});

Deno.test("a terminal that is closed while it waits asks no more", async () => {
  const world = await makeWorld();
  const fresh = await terminal(world, new MemoryStore());
  await fresh.type("/link");
  await fresh.type("/link");
  assert.equal(fresh.printed.filter((line) => /^ {2}[0-9A-Z]{4}-/.test(line)).length, 2);
  await fresh.close();
  world.close();
});

Deno.test("attack: a server that does not answer while the password is typed makes nobody send it as a message", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana", new Visitor(world));
  await signUpGuarded(world, "ben");
  const { old, fresh } = await upToThePassword(world, ana.store, ["/to ben"]);
  const sent = () => old.printed.filter((line) => line.includes(ana.password));
  old.silent = "/settings/passkeys/start";
  await old.type(ana.password);
  await old.says(/cannot be reached/);
  assert.equal(old.hidden.at(-1), true, "it is asked for again");
  old.silent = "/settings/link/hand";
  await old.type(ana.password);
  assert.equal(old.hidden.at(-1), true);
  await old.type("/help");
  await old.says(/asked before is dropped/);
  assert.deepEqual(sent(), []);
  for (const one of [old, fresh]) await one.close();
  world.close();
});

Deno.test("attack: a link that is approved after its terminal was signed in otherwise overwrites nothing", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana", new Visitor(world));
  const { old, fresh } = await upToThePassword(world, ana.store);
  await fresh.type("/sign-in ana");
  await fresh.type(ana.password);
  await fresh.says(/You are @ana/);
  const looks = fresh.asked.filter((path) => path === LOOK).length;
  await old.type(ana.password);
  await old.says(/It is linked|no such request|changed/);
  assert.equal(fresh.asked.filter((path) => path === LOOK).length, looks, "it looks no more");
  assert.equal(fresh.printed.filter((line) => /You are @ana/.test(line)).length, 1);
  assert.equal((await world.deps.store.devices.named(ana.account)).length, 2);
  for (const one of [old, fresh]) await one.close();
  world.close();
});
