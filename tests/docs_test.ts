/** The receiver in docs/phones.md does what the page says, word by word. */
import assert from "node:assert/strict";
import { createLetterWriter } from "../auth/letters.ts";
import { createSmsChannel, signSms } from "../auth/sms.ts";

const SECRET = "a secret of 16 or more";
const SETTINGS = { secret: SECRET, account: "AC1", password: "s3cret", from: "+15005550006" };

type Receive = (request: Request, settings: Record<string, string>) => Promise<Response>;

/** The example as somebody would copy it out of the page. */
async function example(): Promise<Receive> {
  const page = await Deno.readTextFile(new URL("../docs/phones.md", import.meta.url));
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1];
  assert.ok(code, "the page has the example");
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, code);
    return (await import(`file://${file}`) as { receive: Receive }).receive;
  } finally {
    await Deno.remove(file);
  }
}

Deno.test({
  name: "the example passes a message on once, and nothing that is not ours or not of now",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const receive = await example();
    const passed: { path: string; authorization: string | null; form: Record<string, string> }[] =
      [];
    const carrier = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      async (request) => {
        const form = Object.fromEntries(new URLSearchParams(await request.text()));
        const { pathname: path } = new URL(request.url);
        passed.push({ path, authorization: request.headers.get("authorization"), form });
        return new Response("{}", { status: 201 });
      },
    );
    const api = `http://127.0.0.1:${carrier.addr.port}`;
    const own = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => receive(request, { ...SETTINGS, api }),
    );
    const url = `http://127.0.0.1:${own.addr.port}/snug`;
    const to = { kind: "phone", address: "+491701234567", language: "en" } as const;
    const letter = createLetterWriter("https://chat.example.org").code(to, "sign-up", "012345", 10);
    const channel = createSmsChannel({
      ...{ url, secret: SECRET, now: Date.now, random: (length) => new Uint8Array(length).fill(7) },
      wait: () => Promise.resolve(),
    });
    await channel.send(letter);
    await channel.send(letter);
    assert.equal(passed.length, 1, "the second one has the same id");
    const [{ path, authorization, form }] = passed as [typeof passed[0] & object];
    assert.equal(path, "/2010-04-01/Accounts/AC1/Messages.json");
    assert.equal(authorization, `Basic ${btoa("AC1:s3cret")}`);
    assert.deepEqual(form, { To: "+491701234567", From: "+15005550006", Body: letter.short });

    const post = async (time: number, secret: string, body = '{"id":"x","to":"+1","text":"t"}') => {
      const headers = { "snug-signature": `t=${time},v1=${signSms(secret, time, body)}` };
      const { status } = await fetch(url, { method: "POST", headers, body });
      return status;
    };
    const now = Math.floor(Date.now() / 1_000);
    assert.equal(await post(now, "another secret of 16"), 401);
    assert.equal(await post(now - 301, SECRET), 401);
    assert.equal(await post(now, SECRET), 204);
    assert.equal(passed.length, 2);
    await Promise.all([carrier.shutdown(), own.shutdown()]);
  },
});
