/** `/sign-in/link` and `/settings/link`: a new device, signed in by one that is there already. */
import type { Auth } from "../auth/mod.ts";
import {
  linkAnswerRequest,
  linkDone,
  linkHandRequest,
  linkLookAnswer,
  linkNamed,
  linkOfferAnswer,
  linkOfferRequest,
  linkOpened,
  linkOpenRequest,
  linkWaitAnswer,
  linkWaitRequest,
} from "../protocol/link_api.ts";
import { MAX_DEVICES } from "../protocol/limits.ts";
import type { PageAssets } from "../views/layout.tsx";
import { LinkPage, NoRoomPage, WaitingPage } from "../views/link.tsx";
import { answer, giveLogin, page, refuse } from "./answers.ts";
import { readCbor } from "./bodies.ts";
import type { App } from "./env.ts";
import { CAMERA_PERMISSIONS } from "./policy.ts";
import { withOwner } from "./settings_door.ts";

const PATH = "/settings/link";
const NEW = "/sign-in/link";

interface Deps {
  readonly auth: Auth;
  readonly assets: PageAssets;
}

/** Adds the URLs of linking. */
export function linkRoutes(app: App, deps: Deps): void {
  newDeviceRoutes(app, deps);
  ownerRoutes(app, deps);
}

/** What the device asks for that nobody knows yet. */
function newDeviceRoutes(app: App, { auth: { deviceLinks }, assets }: Deps): void {
  app.get(NEW, (c) => page(c, <WaitingPage assets={assets} nonce={c.var.nonce} />));

  app.post(`${NEW}/open`, async (c) => {
    const body = await readCbor(c, linkOpenRequest);
    if (!body.ok) return refuse(c, body.refusal);
    const opened = await deviceLinks.open(body.value, c.env.address);
    return opened.ok ? answer(c, linkOpened, {}) : refuse(c, opened.refusal);
  });

  app.post(`${NEW}/wait`, async (c) => {
    const body = await readCbor(c, linkWaitRequest);
    if (!body.ok) return refuse(c, body.refusal);
    const news = await deviceLinks.wait(body.value.request, body.value.waiter);
    if (!news.ok) return refuse(c, news.refusal);
    if (news.value.state !== "handed") return answer(c, linkWaitAnswer, news.value);
    return answer(c, linkWaitAnswer, { ...news.value, login: giveLogin(c, news.value.login) });
  });

  app.post(`${NEW}/answer`, async (c) => {
    const body = await readCbor(c, linkAnswerRequest);
    if (!body.ok) return refuse(c, body.refusal);
    const { request, waiter, sealed } = body.value;
    const taken = await deviceLinks.answer(request, waiter, sealed);
    return taken.ok ? answer(c, linkDone, {}) : refuse(c, taken.refusal);
  });
}

/** What the device asks for that is signed in. */
function ownerRoutes(app: App, { auth, assets }: Deps): void {
  const { deviceLinks, passkeys } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, PATH, handler);

  app.get(
    PATH,
    owner(async (c, login) => {
      const isFull = (await auth.devices.named(login)).length >= MAX_DEVICES;
      if (isFull) {
        return page(c, <NoRoomPage assets={assets} nonce={c.var.nonce} most={MAX_DEVICES} />);
      }
      const hasPasskeys = (await passkeys.of(login.account)).length > 0;
      const props = { assets, nonce: c.var.nonce, passkeys: hasPasskeys };
      c.header("permissions-policy", CAMERA_PERMISSIONS);
      return page(c, <LinkPage {...props} />);
    }),
  );

  app.post(
    `${PATH}/look`,
    owner(async (c, login) => {
      const body = await readCbor(c, linkNamed);
      if (!body.ok) return refuse(c, body.refusal);
      const seen = deviceLinks.look(login, body.value.request);
      return seen.ok ? answer(c, linkLookAnswer, seen.value) : refuse(c, seen.refusal);
    }),
  );

  app.post(
    `${PATH}/offer`,
    owner(async (c, login) => {
      const body = await readCbor(c, linkOfferRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const offered = await deviceLinks.offer(login, body.value.request, body.value.offer);
      if (!offered.ok) return refuse(c, offered.refusal);
      return answer(c, linkOfferAnswer, { deposits: offered.value });
    }),
  );

  app.post(
    `${PATH}/hand`,
    owner(async (c, login) => {
      const body = await readCbor(c, linkHandRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const handed = await deviceLinks.hand(login, body.value);
      return handed.ok ? answer(c, linkDone, {}) : refuse(c, handed.refusal);
    }),
  );

  app.post(
    `${PATH}/drop`,
    owner(async (c, login) => {
      const body = await readCbor(c, linkNamed);
      if (!body.ok) return refuse(c, body.refusal);
      deviceLinks.drop(login, body.value.request);
      return answer(c, linkDone, {});
    }),
  );
}
