/** `/api/devices`: one's own devices; and what a removed one is told. */
import type { Auth } from "../auth/mod.ts";
import type { NamedDevice } from "../db/devices.ts";
import { loginRequest } from "../protocol/api.ts";
import {
  devicesDone,
  ownDevicesAnswer,
  removedAnswer,
  renameRequest,
  revokeRequest,
} from "../protocol/device_api.ts";
import { answer, refuse } from "./answers.ts";
import { readCbor } from "./bodies.ts";
import type { App } from "./env.ts";
import { withDevice } from "./people.ts";

/** Adds the URLs of devices. */
export function deviceRoutes(app: App, { auth }: { readonly auth: Auth }): void {
  const { devices } = auth;

  app.get(
    "/api/devices",
    withDevice(auth, async (c, login) => {
      const named = await devices.named(login);
      return answer(c, ownDevicesAnswer, { devices: named.map(shown) });
    }),
  );

  app.post(
    "/api/devices/rename",
    withDevice(auth, async (c, login) => {
      const body = await readCbor(c, renameRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const renamed = await devices.rename(login, body.value.device, body.value.name);
      return renamed.ok ? answer(c, devicesDone, {}) : refuse(c, renamed.refusal);
    }),
  );

  app.post(
    "/api/devices/revoke",
    withDevice(auth, async (c, login) => {
      const body = await readCbor(c, revokeRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const revoked = await devices.revoke(login, body.value.list);
      return revoked.ok ? answer(c, devicesDone, {}) : refuse(c, revoked.refusal);
    }),
  );

  app.get("/sign-in/devices", async (c) => {
    const login = await auth.logins.authenticate(c.req.raw.headers);
    if (login === null) return refuse(c, { code: "sign-in-needed" });
    const named = await devices.namedAtSignIn(login);
    if (!named.ok) return refuse(c, named.refusal);
    return answer(c, ownDevicesAnswer, { devices: named.value.map(shown) });
  });

  app.post("/api/login/removed", async (c) => {
    const body = await readCbor(c, loginRequest);
    if (!body.ok) return refuse(c, body.refusal);
    const told = await devices.removed(body.value);
    return told.ok ? answer(c, removedAnswer, { entries: told.value }) : refuse(c, told.refusal);
  });
}

/** What the signed list says already is not said again. */
function shown({ device, name, seen }: NamedDevice): Pick<NamedDevice, "device" | "name" | "seen"> {
  return { device, name, seen };
}
