/** `/settings/devices`: one's own devices. The removal itself is signed in the page and goes to `/api`. */
import { maxLength, pipe, strictObject, string } from "valibot";
import type { Auth, OwnerLogin } from "../auth/mod.ts";
import { type DeviceId, parseId } from "../protocol/ids.ts";
import { MAX_DEVICES } from "../protocol/limits.ts";
import type { PageAssets } from "../views/layout.tsx";
import { type DeviceLine, DevicesPage, RemoveDevicePage } from "../views/settings_devices.tsx";
import { page, refuse } from "./answers.ts";
import { readForm } from "./bodies.ts";
import type { App } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";
import { withOwner } from "./settings_door.ts";

const PATH = "/settings/devices";
const DAY_MS = 86_400_000;
const shortText = pipe(string(), maxLength(1_000));
const renameSchema = strictObject({ device: shortText, name: shortText });

/** What was done, by the word in the address; nothing else is said. */
const NOTICES: Readonly<Record<string, string>> = {
  renamed: "The name is saved.",
  removed: "That device is removed. You get a letter about it.",
};

/** Adds the URLs of devices in the settings. */
export function settingsDeviceRoutes(
  app: App,
  { auth, assets }: { readonly auth: Auth; readonly assets: PageAssets },
): void {
  const { devices } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, PATH, handler);

  app.get(
    PATH,
    owner(async (c, login) => {
      const done = c.req.query("done") ?? "";
      const notice = Object.hasOwn(NOTICES, done) ? { notice: NOTICES[done]! } : {};
      const props = { assets, nonce: c.var.nonce, most: MAX_DEVICES, ...notice };
      return page(c, <DevicesPage {...props} devices={await linesOf(auth, login)} />);
    }),
  );

  app.post(
    `${PATH}/rename`,
    owner(async (c, login) => {
      const form = await readForm(c, renameSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const device: DeviceId | null = parseId<"device">(form.value.device);
      if (device === null) return refuse(c, { code: "bad-input" });
      const renamed = await devices.rename(login, device, form.value.name);
      if (renamed.ok) return c.redirect(`${PATH}?done=renamed`, 303);
      const problem = wordsOf(renamed.refusal);
      const lines = (await linesOf(auth, login)).map((line) =>
        line.id === device ? { ...line, problem, typed: form.value.name } : line
      );
      const props = { assets, nonce: c.var.nonce, most: MAX_DEVICES };
      const { status } = REFUSALS[renamed.refusal.code];
      return page(c, <DevicesPage {...props} devices={lines} />, status);
    }),
  );

  app.get(
    `${PATH}/remove`,
    owner(async (c, login) => {
      const wanted = c.req.query("device");
      const device = (await linesOf(auth, login)).find(({ id }) => id === wanted);
      if (device === undefined) return c.redirect(PATH, 303);
      return page(c, <RemoveDevicePage assets={assets} nonce={c.var.nonce} device={device} />);
    }),
  );
}

/** This one first, then those that were here last. */
async function linesOf(auth: Auth, login: OwnerLogin): Promise<DeviceLine[]> {
  const rows = await auth.devices.named(login);
  const lines = rows.map(({ device, kind, made, name, seen }) => ({
    ...{ id: device, kind, name, made: made * DAY_MS },
    ...{ seen: seen === null ? null : seen * DAY_MS, current: device === login.device },
  }));
  const rank = (line: DeviceLine) => line.current ? Infinity : line.seen ?? line.made;
  return lines.sort((a, b) => rank(b) - rank(a));
}
