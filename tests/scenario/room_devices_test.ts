/** Several devices of people in a room. */
import assert from "node:assert/strict";
import { must } from "../helpers/people_world.ts";
import {
  hears,
  roomsOf,
  said,
  seen,
  troubles,
  withSecond,
  withThree,
} from "../helpers/room_scene.ts";

Deno.test("a new device of somebody in a room reads the first message after it came", () =>
  withThree(async ({ server, ana, ben }) => {
    const { id, code } = must(await roomsOf(ana).createRoom("Kitchen"));
    must(await roomsOf(ben).joinRoom(code!));
    must(await roomsOf(ana).send(id, "before"));
    await hears(ben, id, "before");
    await withSecond(server, "ben", async (second) => {
      await second.until(() => seen(second, id) !== undefined);
      must(await roomsOf(ana).send(id, "first"));
      must(await roomsOf(ana).send(id, "then"));
      await hears(second, id, "then");
      assert.deepEqual(await said(second, id), ["first", "then"]);
      await second.until(() => seen(second, id)?.code === code);
      const own = ({ kind, what }: { kind: string; what?: string }) =>
        kind === "warning" && what !== "own-new-device" && what !== "new-device";
      assert.deepEqual(troubles(second, ana, ben).filter(own), []);
    });
  }));
