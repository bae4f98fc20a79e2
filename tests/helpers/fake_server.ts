/**
 * A server in memory that speaks the real frames and the real HTTP interface, keys, signatures and
 * all. Tests make it lie: every answer and every delivery passes a hook first.
 */
import {
  bundlesAnswer,
  bundlesRequest,
  challengeAnswer,
  challengeRequest as challengeRequestSchema,
  errorAnswer,
  loginAnswer,
  loginProofBytes,
  loginRequest,
  meAnswer,
  type PersonAnswer,
  personAnswer,
  prekeyStockAnswer,
} from "../../protocol/api.ts";
import {
  appendEntry,
  type DeviceList,
  type FetchedBundle,
  findDevice,
  type KemPrekey,
  type OneTimePrekey,
  type PrekeyUpload,
  prekeyUploadSchema,
  type Signed,
  verifyUpload,
} from "../../protocol/bundle.ts";
import { decode, encode, type Schema } from "../../protocol/codec.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../../protocol/ids.ts";
import { verifySignature } from "../../protocol/verify.ts";
import type { HttpRequest, HttpResponse, HttpSend } from "../../client/transport.ts";
import type { FakeArchive } from "./fake_archive.ts";
import { FakeRelay } from "./fake_relay.ts";

export const ORIGIN = "https://snug.test";

export interface FakeAccount {
  readonly account: AccountId;
  username: string;
  fullName: string;
  entries: Signed[];
  list: DeviceList;
}

interface FakePrekeys {
  bundle: Signed;
  lastKem: KemPrekey;
  oneTime: OneTimePrekey[];
  kemOnce: KemPrekey[];
  day: number;
}

/** What a test may change on the way out. Each returns what the client gets. */
export interface Lies {
  person?: (answer: PersonAnswer, asker: AccountId) => PersonAnswer;
  bundles?: (bundles: FetchedBundle[], asker: AccountId) => FetchedBundle[];
}

type Answer = { readonly status: number; readonly body: Bytes; readonly retryAfter?: number };

export class FakeServer {
  readonly accounts = new Map<AccountId, FakeAccount>();
  readonly prekeys = new Map<DeviceId, FakePrekeys>();
  /** Logins by device; a revoked one is simply gone. */
  readonly logins = new Map<string, { account: AccountId; device: DeviceId }>();
  readonly relay: FakeRelay;
  /** The history archive, where a test is about one. */
  archive: FakeArchive | null = null;
  lies: Lies = {};
  /** The next answers of this path prefix are this status instead. */
  trouble: { prefix: string; status: number; times: number; retryAfter?: number }[] = [];
  /** Requests so far, for counting. */
  readonly requests: string[] = [];
  readonly #challenges = new Map<DeviceId, Bytes>();

  constructor(now: () => number) {
    this.relay = new FakeRelay(this, now);
  }

  /** A new account or a grown list, as /sign-up/account and /sign-in/device would store it. */
  async put(
    names: { username: string; fullName: string },
    account: AccountId,
    entry: Signed,
  ): Promise<void> {
    const known = this.accounts.get(account);
    const list = await appendEntry(known?.list ?? null, account, entry);
    const entries = [...known?.entries ?? [], entry];
    this.accounts.set(account, { ...names, account, entries, list });
    this.relay.listChanged(account, list.version);
  }

  async upload(
    account: AccountId,
    device: DeviceId,
    upload: PrekeyUpload,
    day: number,
  ): Promise<void> {
    await verifyUpload(this.accounts.get(account)!.list, device, upload);
    const had = this.prekeys.get(device);
    this.prekeys.set(device, {
      bundle: upload.bundle,
      lastKem: upload.lastKem,
      oneTime: [...had?.oneTime ?? [], ...upload.oneTime],
      kemOnce: [...had?.kemOnce ?? [], ...upload.kemOnce],
      day,
    });
  }

  login(account: AccountId, device: DeviceId): string {
    const login = `login-${device}`;
    this.logins.set(login, { account, device });
    return login;
  }

  readonly send: HttpSend = async (request) => {
    const path = `${request.method} ${request.path}`;
    this.requests.push(path);
    const trouble = this.trouble.find(({ prefix, times }) => times > 0 && path.startsWith(prefix));
    if (trouble) trouble.times--;
    if (trouble?.status === 0) throw new TypeError("no network");
    const answer = trouble
      ? refuse(trouble.status, "trouble", trouble.retryAfter)
      : await this.#answer(request);
    return respond(answer);
  };

  async #answer(request: HttpRequest): Promise<Answer> {
    const { path, method } = request;
    if (path === "/api/login/challenge") return this.#challenge(request);
    if (path === "/api/login") return await this.#renew(request);
    const who = this.logins.get((request.headers["authorization"] ?? "").replace("Bearer ", ""));
    if (!who) return refuse(401, "sign-in-needed");
    if (path === "/api/me") return this.#me(who);
    if (path === "/api/prekeys") {
      if (method === "POST") await this.#take(who, request);
      return this.#stock(who.device);
    }
    if (this.archive && path.startsWith("/api/archive")) return await this.#archive(who, request);
    const [, kind, name = "", rest] =
      /^\/api\/(people|accounts)\/([^/]+)(\/bundles)?$/.exec(path) ??
        [];
    const found = [...this.accounts.values()].find((one) => {
      return kind === "people" ? one.username === name : one.account === name;
    });
    if (!found) return refuse(404, "unknown-person");
    return rest ? this.#bundles(who.account, found, request) : this.#person(who.account, found);
  }

  async #archive(
    who: { account: AccountId; device: DeviceId },
    { path, body }: HttpRequest,
  ): Promise<Answer> {
    const entry = findDevice(this.accounts.get(who.account)!.list, who.device);
    if (!entry) return refuse(401, "sign-in-needed");
    const sent = body instanceof Uint8Array ? body : new Uint8Array(0);
    const answer = await this.archive!.answer({ ...who, sign: entry.sign }, path, sent);
    if (answer === "off") return refuse(409, "archive-off");
    return answer ? { status: 200, body: answer } : refuse(404, "not-found");
  }

  #me({ account, device }: { account: AccountId; device: DeviceId }): Answer {
    const { username, fullName, list } = this.accounts.get(account)!;
    return give(meAnswer, { account, device, username, fullName, listVersion: list.version });
  }

  #person(asker: AccountId, found: FakeAccount): Answer {
    const { account, username, fullName, entries } = found;
    const answer = { account, username, fullName, entries: [...entries] };
    return give(personAnswer, this.lies.person?.(answer, asker) ?? answer);
  }

  #bundles(asker: AccountId, found: FakeAccount, request: HttpRequest): Answer {
    const { devices } = decode(bundlesRequest, request.body as Bytes);
    const bundles: FetchedBundle[] = [];
    for (const device of devices) {
      const kept = this.prekeys.get(device);
      if (!kept || !findDevice(found.list, device)) continue;
      const oneTime = kept.oneTime.shift() ?? null;
      const once = kept.kemOnce.shift();
      const kem = once
        ? { kind: "once" as const, ...once }
        : { kind: "last" as const, ...kept.lastKem };
      bundles.push({ device, bundle: kept.bundle, kem, oneTime });
    }
    const given = this.lies.bundles?.(bundles, asker) ?? bundles;
    const missing = devices.filter((device) => !given.some((one) => one.device === device));
    return give(bundlesAnswer, { bundles: given, missing });
  }

  async #take(who: { account: AccountId; device: DeviceId }, request: HttpRequest): Promise<void> {
    const upload = decode(prekeyUploadSchema, request.body as Bytes);
    await this.upload(who.account, who.device, upload, Math.floor(this.relay.now() / 86_400_000));
  }

  #stock(device: DeviceId): Answer {
    const kept = this.prekeys.get(device);
    const { oneTime = [], kemOnce = [], day = 0 } = kept ?? {};
    return give(prekeyStockAnswer, { oneTime: oneTime.length, kemOnce: kemOnce.length, day });
  }

  #challenge(request: HttpRequest): Answer {
    const { device } = decode(challengeRequestSchema, request.body as Bytes);
    const challenge = crypto.getRandomValues(new Uint8Array(32));
    this.#challenges.set(device, challenge);
    return give(challengeAnswer, { challenge });
  }

  async #renew(request: HttpRequest): Promise<Answer> {
    const { account, device, challenge, signature } = decode(loginRequest, request.body as Bytes);
    const entry = findDevice(this.accounts.get(account)!.list, device);
    const proof = loginProofBytes({ account, device, origin: ORIGIN, challenge });
    const good = entry && await verifySignature(entry.sign, "login", proof, signature);
    if (!good) return refuse(401, "bad-proof");
    return give(loginAnswer, { account, device, login: this.login(account, device) });
  }
}

function give<T>(schema: Schema<T>, value: T): Answer {
  return { status: 200, body: encode(schema, value) };
}

function refuse(status: number, code: string, retryAfter?: number): Answer {
  const body = encode(errorAnswer, { code, message: code, retryAfter: retryAfter ?? null });
  return retryAfter === undefined ? { status, body } : { status, body, retryAfter };
}

function respond({ status, body, retryAfter }: Answer): HttpResponse {
  const headers = new Headers(
    retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
  );
  return { status, headers, body };
}
