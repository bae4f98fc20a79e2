/** Looks that are shared, and never older than the question. */
import assert from "node:assert/strict";
import { Looks } from "../../client/looks.ts";
import { acquainted } from "../helpers/people_world.ts";

Deno.test("who asks while a look is under way gets a later one, shared by all who do; a failed one holds up nobody", async () => {
  const begun: PromiseWithResolvers<string>[] = [];
  const looks = new Looks((_: string) => {
    const answer = Promise.withResolvers<string>();
    begun.push(answer);
    return answer.promise;
  });
  const first = looks.ask("a");
  const [second, third] = [looks.ask("a"), looks.ask("a")];
  const other = looks.ask("b");
  assert.equal(begun.length, 2, "one for each thing");
  begun[1]!.resolve("b");
  assert.equal(await other, "b");
  begun[0]!.reject(new Error("no answer"));
  await assert.rejects(first, /no answer/);
  await Promise.resolve();
  assert.equal(begun.length, 3, "one for both");
  begun[2]!.resolve("later");
  assert.deepEqual(await Promise.all([second, third]), ["later", "later"]);
});

Deno.test("a list that changes while an older one is on its way is seen all the same", async () => {
  const { world, ana, ben } = await acquainted();
  const { account } = ben.keys;
  await world.close(ana);
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let holding = false;
  await world.open(ana, {
    wrapping: {
      send: (send) => async (request) => {
        const answered = await send(request);
        if (!holding || !request.path.includes(account)) return answered;
        holding = false;
        asked.resolve();
        await answer.promise;
        return answered;
      },
    },
  });
  holding = true;
  world.server.relay.listChanged(account, 1);
  await asked.promise;
  await world.device(ben.person);
  answer.resolve();
  await world.settle();
  const told = ana.events.filter((event) =>
    event.kind === "warning" && event.what === "new-device"
  );
  assert.equal(told.length, 1);
  await world.closeAll();
});
