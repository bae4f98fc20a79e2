/** `snug admin`: against a running server through its socket, and on the database without one. */
import assert from "node:assert/strict";
import { askServer, openAdminSocket, socketPath } from "../admin_socket.ts";
import { openDatabase } from "../db/sqlite.ts";
import { silentLog } from "../log.ts";
import { main } from "../main.ts";
import { readConfig } from "../config.ts";
import { toBase64Url } from "../protocol/encoding.ts";
import { type CommandIo, startServer } from "../serve.ts";
import { freePort } from "./e2e/server.ts";
import { filesBelow } from "./helpers/canary.ts";
import { makeWorld } from "./helpers/account_world.ts";
import { signUp } from "./helpers/members.ts";

/** One command line in this process. */
async function run(args: string[], env: Record<string, string> = {}) {
  const printed: string[] = [];
  const logged: string[] = [];
  const io: CommandIo = {
    env: (name) => env[name],
    print: (line) => printed.push(line),
    writeLog: (line) => logged.push(line),
    now: () => Date.now(),
    stop: new AbortController().signal,
  };
  const status = await main(["admin", ...args], io);
  return { status, printed: printed.join("\n"), logged: logged.join("\n") };
}

/** A data folder with Olga, who runs the server, and Ana in it. */
async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "snug-admin-" });
  try {
    const world = await makeWorld({ path: `${folder}/snug.db` });
    await signUp(world, "olga");
    await signUp(world, "ana");
    const { opaqueSetup, codeKey } = world.deps.secrets;
    world.close();
    await Deno.writeTextFile(
      `${folder}/secrets.json`,
      JSON.stringify({ version: 1, opaqueSetup, codeKey: toBase64Url(codeKey) }),
      { mode: 0o600 },
    );
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The same with a server on it. */
async function withServer(work: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const port = freePort();
    const config = readConfig(
      ["--data", folder, "--listen", `127.0.0.1:${port}`, "--tls", "off"],
      () => undefined,
    );
    const server = await startServer(config, silentLog, {
      env: () => undefined,
      print: () => {},
      writeLog: () => {},
      now: () => Date.now(),
      stop: new AbortController().signal,
    });
    try {
      await work(folder);
    } finally {
      await server.close();
    }
  });
}

for (
  const [where, withIt] of [["a running server", withServer], [
    "a stopped one",
    withFolder,
  ]] as const
) {
  Deno.test(`people, switches, limits, invitations and the log, of ${where}`, async () => {
    await withIt(async (folder) => {
      const ask = async (...words: string[]) => {
        const { status, printed, logged } = await run([...words, "--json", "--data", folder]);
        assert.equal(logged, "", words.join(" "));
        return { status, ...JSON.parse(printed) };
      };
      const users = await ask("users", "an");
      assert.deepEqual(users.value.users.map((user: { username: string }) => user.username), [
        "ana",
      ]);
      assert.equal((await ask("user", "@Olga")).value.user.admin, 1);
      assert.deepEqual((await ask("disable", "ana")).status, 0);
      assert.notEqual((await ask("user", "ana")).value.user.disabled, null);
      assert.equal((await ask("enable", "ana")).status, 0);
      assert.equal((await ask("registration", "closed")).value.registration, "closed");
      assert.equal((await ask("registration")).value.registration, "closed");
      assert.equal((await ask("registration", "invite")).status, 0);
      assert.equal((await ask("second-factor", "required")).value.secondFactorRequired, true);
      assert.equal((await ask("second-factor", "optional")).value.secondFactorRequired, false);
      assert.equal((await ask("limits", "lookupsPerHour", "7")).status, 0);
      const limits = (await ask("limits")).value as { name: string; value: number; from: string }[];
      const set = limits.find(({ name }) => name === "lookupsPerHour")!;
      assert.deepEqual([set.value, set.from], [7, "admin"]);
      const invite = await ask("invite", "--uses", "3");
      assert.match(invite.value.link, /#[A-Za-z0-9_-]{43}$/);
      const invites = (await ask("invites")).value.invites;
      assert.deepEqual([invites.length, invites[0].uses], [1, 3]);
      assert.equal((await ask("revoke-invite", invites[0].id)).status, 0);
      assert.deepEqual((await ask("reports")).value, []);
      const refusedLast = await ask("unmake-admin", "olga");
      assert.deepEqual([refusedLast.status, refusedLast.ok, refusedLast.code], [
        1,
        false,
        "last-admin",
      ]);
      assert.equal((await ask("disable", "nobody")).code, "unknown-person");
      assert.equal((await ask("delete", "ana", "--yes")).status, 0);
      assert.equal((await ask("health")).value.accounts, 1);
      const acts = (await ask("audit")).value as { act: string; actorName: string }[];
      assert.deepEqual(acts.map(({ act }) => act).reverse(), [
        ...["disable", "enable", "registration", "registration", "second-factor", "second-factor"],
        ...["limit", "make-invite", "revoke-invite", "delete"],
      ]);
      assert.ok(acts.every(({ actorName }) => actorName === "snug admin"));
      const verdict = await ask("audit", "--verify");
      assert.deepEqual([verdict.status, verdict.value.whole, verdict.value.acts], [0, true, 10]);
      assert.equal((await ask("audit", "--head", verdict.value.head)).status, 0);
    });
  });
}

Deno.test("people get tables, without the control characters of others' names", async () => {
  await withFolder(async (folder) => {
    const db = openDatabase(`${folder}/snug.db`);
    db.exec(
      "update accounts set full_name = 'A' || char(27) || '[31m' || char(8238) || 'na' where username = 'ana'",
    );
    db.close();
    const { status, printed } = await run(["users", "--data", folder]);
    assert.equal(status, 0);
    const [head, ana, olga] = printed.split("\n");
    assert.match(head!, /^USERNAME {2}NAME +ADDRESS +LAST SEEN/);
    assert.match(ana!, /^ana {7}A\?\[31m\?na {2}ana@example.org/);
    assert.match(olga!, /admin$/);
    for (
      const words of [["user", "ana"], ["registration"], ["limits"], ["invites"], ["reports"], [
        "health",
      ], ["audit"]]
    ) {
      const { status, printed } = await run([...words, "--data", folder]);
      assert.equal(status, 0, words.join());
      assert.ok(printed.length > 10 && !printed.includes("undefined"), printed);
    }
  });
});

Deno.test("without a server, links and letters name it as it last called itself", async () => {
  await withFolder(async (folder) => {
    const db = openDatabase(`${folder}/snug.db`);
    db.exec("insert into server_settings values ('start.origin', 'https://chat.example.org')");
    db.close();
    const { printed } = await run(["invite", "--data", folder]);
    assert.match(printed, /^https:\/\/chat\.example\.org\/invite#/);
    await run(["disable", "ana", "--data", folder]);
    const letters = filesBelow(`${folder}/outbox`).map(({ bytes }) =>
      new TextDecoder().decode(bytes)
    );
    assert.ok(letters.some((letter) => letter.includes("Whoever runs chat.example.org switched")));
    assert.match((await run(["health", "--data", folder])).printed, /no server runs/);
  });
});

Deno.test("a log that is not whole is said, with status 1", async () => {
  await withFolder(async (folder) => {
    for (const word of ["disable", "enable"]) await run([word, "ana", "--data", folder]);
    const db = openDatabase(`${folder}/snug.db`);
    db.exec("delete from admin_acts where seq = 1");
    db.close();
    const { status, printed } = await run(["audit", "--verify", "--data", folder]);
    assert.deepEqual([status, printed], [1, "NOT WHOLE: act 1 is missing or not what it was."]);
  });
});

Deno.test("what makes no sense is one line and status 2, and changes nothing", async () => {
  await withFolder(async (folder) => {
    const bad = [
      ...[[], ["nonsense"], ["__proto__"], ["users", "a", "b"], ["disable"], ["users", "--all"]],
      ...[["delete", "ana"], ["registration", "maybe"], ["limits", "lookupsPerHour", "many"]],
      ...[["limits", "lookupsPerHour"], ["audit", "--head", "1:abc"], ["invite", "--uses"]],
    ];
    for (const words of bad) {
      const { status, printed, logged } = await run([...words, "--data", folder]);
      assert.equal(status, 2, words.join(" "));
      assert.equal(printed, "");
      assert.match(logged, /^snug: [^\n]+$/, words.join(" "));
    }
    assert.match((await run(["audit", "--data", folder])).printed, /Nothing was done/);
    const none = await run(["users", "--data", `${folder}/elsewhere`]);
    assert.equal(none.status, 1);
    assert.match(none.logged, /holds no server's database/);
    await assert.rejects(Deno.stat(`${folder}/elsewhere`), "nothing was made");
  });
});

Deno.test("attack: the socket is for its owner alone, from its first moment", async () => {
  await withServer(async (folder) => {
    const { mode } = await Deno.stat(socketPath(folder));
    assert.equal(mode! & 0o777, 0o600);
  });
});

Deno.test("a socket that a killed server left behind is in nobody's way", async () => {
  await withFolder(async (folder) => {
    const left = Deno.listen({ transport: "unix", path: socketPath(folder) });
    left.close();
    const { status, printed } = await run(["users", "--data", folder, "--json"]);
    assert.equal(status, 0);
    assert.equal(JSON.parse(printed).value.users.length, 2);
    const door = await openAdminSocket(
      folder,
      () => Promise.resolve({ ok: true, value: 1 }),
      silentLog,
    );
    assert.deepEqual(await askServer(folder, {}), { ok: true, value: 1 });
    await door!.close();
    assert.equal(filesBelow(folder).some(({ name }) => name === "admin.sock"), false);
  });
});

Deno.test("attack: nonsense, too much, and nothing at all on the socket end one connection and nothing else", async () => {
  await withServer(async (folder) => {
    const say = async (bytes: Uint8Array<ArrayBuffer>) => {
      const connection = await Deno.connect({ transport: "unix", path: socketPath(folder) });
      await connection.write(bytes).catch(() => 0);
      await connection.closeWrite().catch(() => {});
      const answer = await new Response(connection.readable).text().catch(() => "");
      return answer;
    };
    const utf8 = (text: string) => new TextEncoder().encode(text);
    const refused = JSON.stringify({
      ...{ ok: false, code: "bad-input", message: "That request makes no sense to this server." },
    }) + "\n";
    const orders = [
      "not json",
      "{}",
      "[]",
      "null",
      '{"do":"users"}',
      '{"do":"act","act":"rm","username":"ana"}',
    ];
    const sly = ['{"do":"__proto__"}', '{"do":"users","search":"","extra":1}', ""];
    for (const order of [...orders, ...sly]) {
      assert.equal(await say(utf8(order + "\n")), refused, order);
    }
    await say(new Uint8Array(200_000).fill(97));
    await say(utf8("no end of line"));
    const still = await run(["users", "--data", folder, "--json"]);
    assert.equal(JSON.parse(still.printed).value.users.length, 2);
  });
});

Deno.test("where a server holds the folder and its socket is gone, nothing is done behind its back", async () => {
  await withServer(async (folder) => {
    await Deno.remove(socketPath(folder));
    const { status, logged } = await run(["disable", "ana", "--data", folder]);
    assert.equal(status, 1);
    assert.match(logged, /A server runs on .*, but its admin socket is not there/);
  });
});

Deno.test("admin --help has every word", async () => {
  const { status, printed } = await run(["--help"]);
  assert.equal(status, 0);
  for (const word of ["users", "disable", "registration", "limits", "invites", "audit", "health"]) {
    assert.match(printed, new RegExp(`^  ${word}`, "m"));
  }
});
