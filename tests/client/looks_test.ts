/** Looks that are shared, and never older than the question. */
import assert from "node:assert/strict";
import { Looks } from "../../client/looks.ts";
import { Latch } from "../helpers/latch.ts";
import { acquainted } from "../helpers/people_world.ts";

Deno.test("who asks while a look is under way gets a later one, shared by all who do; a failed one holds up nobody", async () => {
  const begun: Latch<string>[] = [];
  const looks = new Looks((_: string) => {
    const latch = new Latch<string>();
    begun.push(latch);
    return latch.opened;
  });
  const first = looks.ask("a");
  const [second, third] = [looks.ask("a"), looks.ask("a")];
  const other = looks.ask("b");
  assert.equal(begun.length, 2, "one for each thing");
  begun[1]!.open("b");
  assert.equal(await other, "b");
  begun[0]!.fail(new Error("no answer"));
  await assert.rejects(first, /no answer/);
  await Promise.resolve();
  assert.equal(begun.length, 3, "one for both");
  begun[2]!.open("later");
  assert.deepEqual(await Promise.all([second, third]), ["later", "later"]);
});

Deno.test("a list that changes while an older one is on its way is seen all the same", async () => {
  const { world, ana, ben } = await acquainted();
  const { account } = ben.keys;
  await world.close(ana);
  const [asked, answer] = [new Latch<void>(), new Latch<void>()];
  let holding = false;
  await world.open(ana, {
    wrapping: {
      send: (send) => async (request) => {
        const answered = await send(request);
        if (!holding || !request.path.includes(account)) return answered;
        holding = false;
        asked.open();
        await answer.opened;
        return answered;
      },
    },
  });
  holding = true;
  world.server.relay.listChanged(account, 1);
  await asked.opened;
  await world.device(ben.person);
  answer.open();
  await world.settle();
  const told = ana.events.filter((event) =>
    event.kind === "warning" && event.what === "new-device"
  );
  assert.equal(told.length, 1);
  await world.closeAll();
});
