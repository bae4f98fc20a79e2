/** What was typed stays in its field, beside what is wrong with it. */
import assert from "node:assert/strict";
import { addPasskey, proveByPassword } from "../../client/passkeys.ts";
import { makeWorld, value, Visitor } from "../helpers/account_world.ts";
import { quickPassword, signUpGuarded } from "../helpers/guarded.ts";
import { softAuthenticator } from "../helpers/soft_authenticator.ts";

/** What no field takes, and what shows that it was escaped. */
const TYPED = 'a"b<c>'.padEnd(70, "x");
const KEPT = TYPED.replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

Deno.test("every form of accounts keeps what was typed, says what is wrong beside it, and answers as refused", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const { visitor, account } = ana;
  const parts = { api: visitor.api, authenticator: softAuthenticator() };
  const door = value(await proveByPassword(parts, quickPassword, ana.password));
  assert.ok((await addPasskey(parts, "Phone", door)).ok);
  const [passkey] = await world.auth.passkeys.of(account);
  const { device } = value(await visitor.api.me());
  const fresh = new Visitor(world, "browser");
  const signUp = { username: TYPED, fullName: TYPED, contact: TYPED };
  const forms: readonly [Visitor, string, Record<string, string>, number][] = [
    [fresh, "/sign-up", signUp, 3],
    [fresh, "/forgot", { contact: TYPED }, 1],
    [visitor, "/settings/profile", { fullName: TYPED }, 1],
    [visitor, "/settings/contact", { contact: TYPED }, 1],
    [visitor, "/settings/passkeys/rename", { passkey: passkey!.id, name: TYPED }, 1],
    [visitor, "/settings/devices/rename", { device, name: TYPED }, 1],
    [visitor, "/invites", { uses: TYPED, days: "7" }, 1],
    [visitor, "/admin/limits", { name: "lookupsPerHour", value: TYPED }, 1],
    [visitor, `/admin/users/${account}/delete`, { username: TYPED }, 1],
  ];
  for (const [who, path, fields, kept] of forms) {
    for (const headers of [{}, { "hx-request": "false" }]) {
      const { status, text } = await who.form(path, fields, headers);
      assert.equal(status, 422, path);
      assert.equal(text.split(`value="${KEPT}"`).length - 1, kept, `${path}: ${text}`);
      assert.match(text, /aria-invalid="true"|role="alert"/, path);
      assert.ok(!text.includes(TYPED), path);
    }
  }
  world.close();
});
