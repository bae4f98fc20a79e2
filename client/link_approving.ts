/** The signed-in device's side of a link: it takes the code, compares, opens the vault and lists the new device. */
import { accountKeyFrom, addDevice, type DeviceKeys } from "../crypto/account.ts";
import {
  areKeysOf,
  formatLinkCode,
  type LinkChannel,
  type LinkCode,
  type LinkSecret,
  linkSecret,
  openChannel,
  parseLinkCode,
} from "../crypto/device_link.ts";
import { KeyError } from "../crypto/errors.ts";
import { wipe } from "../crypto/wipe.ts";
import {
  appendEntry,
  type DeviceEntry,
  type DeviceList,
  type Signed,
  verifyDeviceList,
} from "../protocol/bundle.ts";
import { decode, encode } from "../protocol/codec.ts";
import { equalBytes } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import { MAX_DEVICES } from "../protocol/limits.ts";
import {
  linkAnswerContent,
  linkDone,
  linkHandedContent,
  linkHandRequest,
  type LinkKeys,
  type LinkLookAnswer,
  linkLookAnswer,
  linkNamed,
  linkOfferAnswer,
  linkOfferContent,
  linkOfferRequest,
} from "../protocol/link_api.ts";
import type { DepositEntry } from "../protocol/segment.ts";
import { openedKeys } from "./archive_setup.ts";
import { outcomeOf, refuseBroken } from "./flow_refusals.ts";
import type { OpenedDoor } from "./passkeys.ts";
import { type Contact, type MeRecord, META } from "./records.ts";
import type { LocalStore } from "./store.ts";
import type { Api, ApiResult } from "./transport.ts";
import { done, type Outcome, refused } from "./types.ts";
import { openOwnVault, wipeVault } from "./vault_opening.ts";

export interface ApprovingParts {
  readonly api: Api;
  /** Read only: a chat in another tab may be its writer. */
  readonly store: LocalStore;
}

/** Wrong digits end the link: whoever guesses has this many tries at a million. */
const MOST_TRIES = 3;

const NO_CODE = "That is no code. It has sixteen letters and digits, like ABCD-2345-EFGH-6789.";
const SWAPPED =
  "The server shows other keys than those of the device with this code. Nothing was done. Ask for a new code.";
const WRONG_DIGITS = "Those are not the digits. Look at the new device again.";
const NOT_SAME =
  "The two devices do not show the same. Somebody may be between them. Nothing was done.";
const FULL = "This account has eight devices. Remove one first.";

interface Link {
  readonly me: MeRecord;
  readonly own: DeviceKeys;
  readonly known: DeviceList | undefined;
  readonly code: string;
  readonly secret: LinkSecret;
  readonly keys: LinkKeys;
  readonly channel: LinkChannel;
  readonly deposits: readonly DepositEntry[];
}

/** Takes a code, looks at the keys behind it, and tells that device whose it is about to be. */
export async function takeLinkCode(
  { api, store }: ApprovingParts,
  typed: string,
): Promise<Outcome<LinkApproval>> {
  const parsed = parseLinkCode(typed);
  if (!parsed) return refused("bad-code", NO_CODE);
  const me = await store.get<MeRecord>("meta", META.me);
  const own = await store.get<DeviceKeys>("device", "keys");
  if (!own || me?.state !== "active") {
    return refused("signed-out", "This browser is no device of yours any more. Sign in again.");
  }
  const known = (await store.get<Contact>("accounts", own.account))?.list;
  const secret = await linkSecret(parsed.code, api.origin);
  const seen = await look(api, secret);
  if (!seen.ok) return outcomeOf(seen);
  if (!await areKeysOf(secret, seen.value.bound, parsed.keys)) {
    return refused("untrusted-server", SWAPPED);
  }
  return await makeOffer(api, { me, own, known, parsed, secret, keys: seen.value.bound.keys });
}

async function makeOffer(
  api: Api,
  { me, own, known, parsed, secret, keys }:
    & Pick<Link, "me" | "own" | "known" | "secret" | "keys">
    & { readonly parsed: LinkCode },
): Promise<Outcome<LinkApproval>> {
  try {
    const { opening, channel } = await openChannel(secret, keys);
    const { account, aik } = own;
    const content = { account, aik, username: me.username, fullName: me.fullName };
    const sealed = await channel.seal("offer", encode(linkOfferContent, content));
    const body = encode(linkOfferRequest, { request: secret.request, offer: { opening, sealed } });
    const offered = await api.ask("/settings/link/offer", body, linkOfferAnswer);
    if (!offered.ok) return outcomeOf(offered);
    const code = formatLinkCode(parsed.code);
    const { deposits } = offered.value;
    return done(new LinkApproval(api, { me, own, known, code, secret, keys, channel, deposits }));
  } catch (error) {
    if (error instanceof KeyError) return refused("untrusted-server", SWAPPED);
    throw error;
  }
}

/** A link that waits for its owner's word. */
export class LinkApproval {
  readonly #api: Api;
  readonly #o: Link;
  #device: DeviceEntry | null = null;
  #tries = 0;
  #agreed = false;

  constructor(api: Api, options: Link) {
    this.#api = api;
    this.#o = options;
  }

  /** The code as the new device shows it. */
  get code(): string {
    return this.#o.code;
  }

  /** Whether the new device has answered; false: ask again in a second. */
  async isMet(): Promise<Outcome<boolean>> {
    if (this.#device) return done(true);
    const seen = await look(this.#api, this.#o.secret);
    if (!seen.ok) return outcomeOf(seen);
    if (seen.value.answer === null) return done(false);
    try {
      const content = await this.#o.channel.open("answer", seen.value.answer);
      const { device } = decode(linkAnswerContent, content);
      const { keys } = this.#o;
      if (!equalBytes(device.sign, keys.sign) || !equalBytes(device.agree, keys.agree)) {
        throw new VerifyError("device-changed");
      }
      this.#device = device;
      return done(true);
    } catch (error) {
      return refuseBroken(error);
    }
  }

  /** Compares what was typed with what this end has. After three wrong ones the link is over. */
  async compare(typed: string): Promise<Outcome<null>> {
    if (this.#tries >= MOST_TRIES) return refused("code-expired", NOT_SAME);
    if (typed.replace(/[\s\p{Dash}]/gu, "") === this.#o.channel.check) {
      this.#agreed = true;
      return done(null);
    }
    if (++this.#tries < MOST_TRIES) return refused("bad-code", WRONG_DIGITS);
    await this.drop();
    return refused("code-expired", NOT_SAME);
  }

  /** Opens the vault, lists the device, and hands it what signing in would have given it. */
  async approve({ proven, opener }: OpenedDoor): Promise<Outcome<null>> {
    if (!this.#agreed || !this.#device) return refused("bad-code", WRONG_DIGITS);
    const { own, secret: { request }, channel } = this.#o;
    try {
      const list = await verifyDeviceList(own.account, proven.entries, this.#o.known);
      if (!equalBytes(list.aik, own.aik)) throw new VerifyError("key-changed");
      if (list.devices.length >= MAX_DEVICES) return refused("not-available", FULL);
      const { signed, keys } = await this.#open({ proven, opener }, list, this.#device);
      const content = encode(linkHandedContent, { list: signed, keys: [...keys] });
      wipe(...keys.map(({ key }) => key));
      const sealed = await channel.seal("handed", content);
      wipe(content);
      const body = encode(linkHandRequest, { request, proof: proven.proof, sealed });
      const handed = await this.#api.ask("/settings/link/hand", body, linkDone);
      return handed.ok ? done(null) : outcomeOf(handed);
    } catch (error) {
      return refuseBroken(error);
    }
  }

  /** The request is of no use to anybody any more. Without an answer it ends by itself. */
  async drop(): Promise<void> {
    const { request } = this.#o.secret;
    await this.#api.ask("/settings/link/drop", encode(linkNamed, { request }), linkDone);
  }

  async #open(
    { proven, opener }: OpenedDoor,
    list: DeviceList,
    device: DeviceEntry,
  ): Promise<{ signed: Signed; keys: Awaited<ReturnType<typeof openedKeys>> }> {
    const { account, aik } = this.#o.own;
    const vault = await openOwnVault({ account, aik, vault: proven.vault }, opener);
    const accountKey = await accountKeyFrom(vault, proven.vault.generation, list);
    const { deposits } = this.#o;
    const keys = await openedKeys(vault, { entries: proven.entries, deposits });
    wipeVault(vault);
    const signed = await addDevice(accountKey, list, device);
    // Everybody will judge it; what does not hold must not be handed out first.
    await appendEntry(list, account, signed);
    return { signed, keys };
  }
}

async function look(api: Api, { request }: LinkSecret): Promise<ApiResult<LinkLookAnswer>> {
  return await api.ask("/settings/link/look", encode(linkNamed, { request }), linkLookAnswer);
}
