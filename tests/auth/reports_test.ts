import assert from "node:assert/strict";
import { COMMAND_LINE } from "../../auth/mod.ts";
import { sendReport } from "../../client/reports.ts";
import { CBOR_TYPE } from "../../protocol/api.ts";
import { encode } from "../../protocol/codec.ts";
import { randomId } from "../../protocol/ids.ts";
import { type ReportRequest, reportRequest } from "../../protocol/reports.ts";
import { DAY, makeWorld, type World } from "../helpers/account_world.ts";
import { type Member, signUp } from "../helpers/members.ts";

async function three(): Promise<{ world: World; olga: Member; ana: Member; ben: Member }> {
  const world = await makeWorld();
  const [olga, ana, ben] = [
    await signUp(world, "olga"),
    await signUp(world, "ana"),
    await signUp(world, "ben"),
  ];
  return { world, olga, ana, ben };
}

/** A report as a device sends it; the status. */
async function report(from: Member, request: ReportRequest): Promise<number> {
  const { status } = await from.visitor.request("/api/reports", {
    method: "POST",
    headers: {
      "content-type": CBOR_TYPE,
      accept: CBOR_TYPE,
      authorization: `Bearer ${from.visitor.api.login}`,
    },
    body: encode(reportRequest, request),
  });
  return status;
}

const about = ({ account }: Member, more: Partial<ReportRequest> = {}): ReportRequest => ({
  ...{ account, words: "He shouts.", messages: [] },
  ...more,
});

Deno.test("a report is kept with what was revealed, and settling forgets what was revealed", async () => {
  const { world, ana, ben } = await three();
  const messages = [
    { time: world.clock.now() - 5, own: true, text: "Please stop." },
    { time: world.clock.now(), own: false, text: "NO " + "x".repeat(1_000) },
  ];
  assert.equal(await report(ana, about(ben, { messages })), 204);
  const { reports, admin } = world.auth;
  const [open] = await reports.open();
  assert.deepEqual(
    [open!.reporterName, open!.reportedName, open!.words, open!.messages],
    ["ana", "ben", "He shouts.", messages],
  );
  assert.equal((await admin.health()).openReports, 1);

  const settled = await reports.settle(COMMAND_LINE, open!.id, " Spoken to him. ");
  assert.ok(settled.ok);
  assert.deepEqual(await reports.open(), []);
  const [kept] = await reports.settled();
  assert.deepEqual([kept!.note, kept!.messages], ["Spoken to him.", []]);
  const [act] = await admin.acts(Number.MAX_SAFE_INTEGER);
  assert.deepEqual(
    [act!.entry.act, act!.entry.subjectName, act!.entry.detail],
    ["settle-report", "ben", "Spoken to him."],
  );
  const again = await reports.settle(COMMAND_LINE, open!.id, "again");
  assert.deepEqual(again, { ok: false, refusal: { code: "no-such-report" } });
  world.clock.forward(91 * DAY);
  await world.auth.purge();
  assert.deepEqual(await reports.settled(), [], "and after 90 days all of it goes");
  world.close();
});

Deno.test("the longest words, messages and notes fit, in every script", async () => {
  const { world, ana, ben } = await three();
  const messages = [{ time: 0, own: false, text: "好".repeat(1_333) }];
  assert.equal(await report(ana, about(ben, { words: "好".repeat(2_000), messages })), 204);
  const [open] = await world.auth.reports.open();
  const settled = await world.auth.reports.settle(
    COMMAND_LINE,
    open!.id,
    "\ud800" + "好".repeat(999),
  );
  assert.ok(settled.ok);
  const [kept] = await world.auth.reports.settled();
  assert.equal(kept!.note, "\ufffd" + "好".repeat(999));
  assert.equal((await world.auth.admin.verify()).whole, true);
  assert.equal(await report(ana, about(ben)), 204);
  const [next] = await world.auth.reports.open();
  const long = await world.auth.reports.settle(COMMAND_LINE, next!.id, "x".repeat(1_001));
  assert.deepEqual(long, { ok: false, refusal: { code: "bad-note" } });
  world.close();
});

Deno.test("ten reports a day, counted for the reporter, whoever they are about", async () => {
  const { world, olga, ana, ben } = await three();
  for (let n = 0; n < 10; n++) assert.equal(await report(ana, about(n % 2 ? ben : olga)), 204);
  assert.equal(await report(ana, about(ben)), 429);
  assert.equal(await report(olga, about(ben)), 204, "others still can");
  world.clock.forward(DAY + 1);
  assert.equal(await report(ana, about(ben)), 204);
  world.close();
});

Deno.test("attack: thirty reports at once count as thirty", async () => {
  const { world, ana, ben } = await three();
  const statuses = await Promise.all(Array.from({ length: 30 }, () => report(ana, about(ben))));
  assert.equal(statuses.filter((status) => status === 204).length, 10);
  world.close();
});

Deno.test("nobody reports themselves, nobody who is not here, and nothing without words", async () => {
  const { world, ana, ben } = await three();
  assert.equal(await report(ana, about(ana)), 422);
  assert.equal(await report(ana, about(ben, { words: " \n " })), 422);
  assert.equal(await report(ana, about(ben, { account: randomId<"account">() })), 404);
  assert.deepEqual(await world.auth.reports.open(), []);
  world.close();
});

Deno.test("a report goes with the account it is about, and stays without the one it is from", async () => {
  const { world, olga, ana, ben } = await three();
  assert.equal(await report(ana, about(ben)), 204);
  assert.equal(await report(olga, about(ana)), 204);
  const { admin, reports } = world.auth;
  assert.ok((await admin.act(COMMAND_LINE, "delete", ana.account)).ok);
  const open = await reports.open();
  assert.deepEqual(open.map(({ reportedName, reporterName }) => [reportedName, reporterName]), [
    ["ben", null],
  ]);
  world.close();
});

Deno.test("what the device says when a report is not taken says what to do", async () => {
  const request = about({ account: randomId<"account">() } as Member);
  const said = async (status: number) => {
    const send = () => Promise.resolve({ status, headers: new Headers(), body: new Uint8Array() });
    return (await sendReport(send, request)).problem;
  };
  assert.equal(await said(204), null);
  for (const status of [401, 404, 422, 429, 500]) {
    assert.match((await said(status))!, /\.$/, String(status));
  }
  const offline = await sendReport(() => Promise.reject(new Error("no network")), request);
  assert.match(offline.problem!, /Nothing was sent/);
});
