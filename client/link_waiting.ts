/** The new device's side of a link: it shows a code, and is signed in by another device of the account. */
import {
  type DeviceKeys,
  type DevicePairs,
  joinAccount,
  makeDevicePairs,
} from "../crypto/account.ts";
import {
  bindKeys,
  enterChannel,
  formatLinkCode,
  type LinkChannel,
  linkFragment,
  type LinkPairs,
  type LinkSecret,
  linkSecret,
  makeLinkCode,
  makeLinkPairs,
} from "../crypto/device_link.ts";
import { randomBytes } from "../crypto/random.ts";
import { SECRET_BYTES, USERNAME_PATTERN } from "../protocol/api.ts";
import {
  appendEntry,
  dayOf,
  findDevice,
  listEntrySchema,
  verifyDeviceList,
} from "../protocol/bundle.ts";
import { decode, encode } from "../protocol/codec.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import { MAX_LIST_ENTRY_BYTES } from "../protocol/limits.ts";
import {
  linkAnswerContent,
  linkAnswerRequest,
  linkDone,
  type LinkHanded,
  linkHandedContent,
  type LinkKeys,
  type LinkOffer,
  type LinkOfferContent,
  linkOfferContent,
  linkOpened,
  linkOpenRequest,
  linkWaitAnswer,
  linkWaitRequest,
  MAX_HANDED_BYTES,
} from "../protocol/link_api.ts";
import { keptDevice, takeUp } from "./account_flow.ts";
import { renewLogin } from "./device_login.ts";
import {
  checkKnown,
  enlist,
  type FlowParts,
  leave,
  refuseForeign,
  type SignedIn,
} from "./enlisting.ts";
import { setupOf } from "./archive_setup.ts";
import { outcomeOf, refuseBroken } from "./flow_refusals.ts";
import { markActive } from "./installation.ts";
import { type Contact, type MeRecord, META } from "./records.ts";
import type { Api } from "./transport.ts";
import { done, type Outcome, refused } from "./types.ts";

export type WaitingParts = Pick<FlowParts, "kind" | "mode" | "now"> & { readonly api: Api };

/** How far the link is. "met": the other device has the code, and waits for the digits. */
export type WaitingNews =
  | { readonly state: "waiting" }
  | { readonly state: "met"; readonly username: string; readonly check: string }
  | { readonly state: "handed" };

interface Met {
  readonly channel: LinkChannel;
  readonly offer: LinkOfferContent;
  readonly own: DeviceKeys;
}

/** Makes keys and a code, and leaves the keys, bound to the code, with the server. */
export async function waitForLink(parts: WaitingParts): Promise<Outcome<LinkWait>> {
  const code = makeLinkCode();
  const [secret, pairs, device] = await Promise.all([
    linkSecret(code, parts.api.origin),
    makeLinkPairs(),
    makeDevicePairs(parts.mode),
  ]);
  const keys: LinkKeys = {
    ...{ sign: device.sign.public, agree: device.agree.public },
    ...{ ephemeral: pairs.ephemeral.public, kem: pairs.kem.public },
  };
  const waiter = randomBytes(SECRET_BYTES);
  const bound = await bindKeys(secret, keys);
  const body = encode(linkOpenRequest, { request: secret.request, waiter, bound });
  const opened = await parts.api.ask("/sign-in/link/open", body, linkOpened);
  if (!opened.ok) return outcomeOf(opened);
  const shown = { code: formatLinkCode(code), fragment: await linkFragment(code, keys) };
  return done(new LinkWait(parts, { ...shown, secret, keys, pairs, device, waiter }));
}

interface Waiting {
  readonly code: string;
  readonly fragment: string;
  readonly secret: LinkSecret;
  readonly keys: LinkKeys;
  readonly pairs: LinkPairs;
  readonly device: DevicePairs;
  readonly waiter: Bytes;
}

/** A link that was asked for. Its keys are in memory only, until it is done. */
export class LinkWait {
  readonly #parts: WaitingParts;
  readonly #o: Waiting;
  #met: Met | null = null;
  #answer: Bytes | null = null;
  #handed: LinkHanded | null = null;

  constructor(parts: WaitingParts, options: Waiting) {
    this.#parts = parts;
    this.#o = options;
  }

  /** To be read and typed: `XXXX-XXXX-XXXX-XXXX`. */
  get code(): string {
    return this.#o.code;
  }

  /** To be scanned: where a signed-in device goes on. What is behind the `#` goes to no server. */
  get address(): string {
    return `${this.#parts.api.origin}/settings/link#${this.#o.fragment}`;
  }

  /** Asks how far it is; to be called every second or so. */
  async look(): Promise<Outcome<WaitingNews>> {
    if (this.#handed) return done({ state: "handed" });
    const { secret: { request }, waiter } = this.#o;
    const body = encode(linkWaitRequest, { request, waiter });
    const answer = await this.#parts.api.ask("/sign-in/link/wait", body, linkWaitAnswer);
    if (!answer.ok) return outcomeOf(answer);
    if (answer.value.state === "handed") {
      this.#handed = answer.value;
      // A browser has it as a cookie.
      if (answer.value.login !== null) this.#parts.api.login = answer.value.login;
      return done({ state: "handed" });
    }
    if (answer.value.state === "offered") return await this.#meet(answer.value.offer);
    return done(this.#met ? metNews(this.#met) : { state: "waiting" });
  }

  /** Once it is handed over: makes `parts.store` the new device. May be called again when it was refused. */
  async enter(parts: FlowParts): Promise<Outcome<SignedIn>> {
    const [met, handed] = [this.#met, this.#handed];
    if (!met || !handed) return refused("not-available", "The other device has not said yes yet.");
    const taken = await refuseForeign(parts.store, met.offer.account);
    if (taken) return taken;
    try {
      return await tookUp(parts, met) ?? await enter(parts, met, handed);
    } catch (error) {
      return refuseBroken(error);
    }
  }

  /** Somebody who knows the code says whose device this is to be. */
  async #meet({ opening, sealed }: LinkOffer): Promise<Outcome<WaitingNews>> {
    const { secret, keys, pairs, device } = this.#o;
    try {
      if (!this.#met) {
        const channel = await enterChannel(secret, keys, pairs, opening);
        const offer = decode(linkOfferContent, await channel.open("offer", sealed));
        if (!USERNAME_PATTERN.test(offer.username)) throw new FormatError("not a username");
        const { kind, now } = this.#parts;
        const made = await joinAccount(device, offer, kind, dayOf(now()));
        const content = encode(linkAnswerContent, { device: made.entry });
        this.#answer = await channel.seal("answer", content);
        this.#met = { channel, offer, own: made.keys };
      }
    } catch (error) {
      return refuseBroken(error);
    }
    const { request } = secret;
    const body = encode(linkAnswerRequest, {
      ...{ request, waiter: this.#o.waiter, sealed: this.#answer! },
    });
    const answered = await this.#parts.api.ask("/sign-in/link/answer", body, linkDone);
    return answered.ok ? done(metNews(this.#met)) : outcomeOf(answered);
  }
}

/** The answer to an earlier try was lost: is this store that device by now? Null: it is not. */
async function tookUp(
  { api, store }: FlowParts,
  { own, offer }: Met,
): Promise<Outcome<SignedIn> | null> {
  const me = await store.get<MeRecord>("meta", META.me);
  if (me?.state !== "pending" || me.device !== own.device) return null;
  const renewal = await renewLogin(api, own);
  if (renewal === "refused") return null;
  const known = renewal === "renewed" ? await api.me() : null;
  if (!known?.ok) return refused("offline", "The server cannot be reached.");
  const { account, device } = own;
  const { username } = known.value;
  const { list: grown } = (await store.get<Contact>("accounts", account))!;
  if (username !== offer.username) {
    return await leave({ api, store }, { own, grown, names: offer }, username);
  }
  await markActive(store, api.login);
  return done({ account, device, username, known: false });
}

function metNews({ offer: { username }, channel: { check } }: Met): WaitingNews {
  return { state: "met", username, check };
}

const CHANGED =
  "Another device was added or removed in the meantime. Nothing was done: try again with a new code.";

/** The list is judged like any other: that the server hands it out makes nothing of it true. */
async function enter(
  parts: FlowParts,
  { channel, offer, own }: Met,
  { sealed, entries, challenge }: LinkHanded,
): Promise<Outcome<SignedIn>> {
  const { account, aik } = offer;
  const opened = await channel.open("handed", sealed);
  const { list: signed, keys } = decode(linkHandedContent, opened, MAX_HANDED_BYTES);
  const list = await verifyDeviceList(account, entries);
  if (!equalBytes(list.aik, aik)) throw new VerifyError("key-changed");
  await checkKnown(parts.store, { entries }, list);
  const kept = await keptDevice(parts.store, list);
  if (kept) {
    const archive = await setupOf(keys, entries, list, parts.mode);
    return await takeUp(parts, { challenge, username: offer.username }, kept, { list, archive });
  }
  const { version } = decode(listEntrySchema, signed.body, MAX_LIST_ENTRY_BYTES);
  if (version <= list.version) return refused("code-expired", CHANGED);
  const grown = await appendEntry(list, account, signed);
  const listed = findDevice(grown, own.device);
  if (!listed || !equalBytes(listed.sign, own.sign.public)) throw new VerifyError("not-listed");
  const archive = await setupOf(keys, entries, grown, parts.mode);
  return await enlist(parts, { own, signed, grown, challenge, names: offer, archive });
}
