/** A device takes a new login by its key: conversations go on when a login has run out. */
import type { DeviceKeys } from "../crypto/account.ts";
import { sign } from "../crypto/signature.ts";
import { loginProofBytes } from "../protocol/api.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { ApiResult, EngineApi } from "./transport.ts";

/** "refused": the server does not know this device any more. "failed": ask again later. */
export type Renewal = "renewed" | "refused" | "failed";

/** Signs a login challenge (32 bytes) for this server and nobody else's. Ed25519, 64 bytes. */
export async function signLogin(
  device: DeviceKeys,
  origin: string,
  challenge: Bytes,
): Promise<Bytes> {
  const proof = loginProofBytes({
    account: device.account,
    device: device.device,
    origin,
    challenge,
  });
  return await sign(device.sign, "login", proof);
}

/** Asks for a challenge, signs it, takes the new login. In a terminal it is then in `api.login`. */
export async function renewLogin(api: EngineApi, own: DeviceKeys): Promise<Renewal> {
  const asked = await api.challenge(own.device);
  if (!asked.ok) return outcomeOf(asked.status);
  const { challenge } = asked.value;
  const signature = await signLogin(own, api.origin, challenge);
  const { account, device } = own;
  const answer = await api.renewLogin({ account, device, challenge, signature });
  return answer.ok ? "renewed" : outcomeOf(answer.status);
}

/** What comes of a renewal besides its answer. */
export interface AfterRenewal {
  /** A terminal's new login, to be kept. */
  readonly keep: (login: string) => Promise<unknown>;
  /** Signed out, or removed. */
  readonly refused: () => void;
}

/** Renewals of one device, one at a time: who asks meanwhile shares the answer. */
export class Renewing {
  readonly #api: EngineApi;
  readonly #own: DeviceKeys;
  readonly #then: AfterRenewal;
  #running: Promise<Renewal> | null = null;

  constructor(api: EngineApi, own: DeviceKeys, then: AfterRenewal) {
    this.#api = api;
    this.#own = own;
    this.#then = then;
  }

  renew(): Promise<Renewal> {
    this.#running ??= this.#renew().finally(() => this.#running = null);
    return this.#running;
  }

  async #renew(): Promise<Renewal> {
    const renewal = await renewLogin(this.#api, this.#own);
    if (renewal === "refused") this.#then.refused();
    const { login } = this.#api;
    if (renewal === "renewed" && login !== null) await this.#then.keep(login);
    return renewal;
  }
}

function outcomeOf(status: number): Renewal {
  return status === 401 || status === 403 || status === 404 ? "refused" : "failed";
}

type DeviceCall =
  | "me"
  | "person"
  | "account"
  | "bundles"
  | "prekeyStock"
  | "uploadPrekeys"
  | "rooms"
  | "lookUpRoom"
  | "roomLog"
  | "roomPeople"
  | "appendToRoom"
  | "ask";

/** The calls that need a login, each tried once more after a renewal when the login has run out. */
export function withRenewal(
  api: EngineApi,
  renew: () => Promise<Renewal>,
): Pick<EngineApi, DeviceCall> {
  const retry = async <T>(call: () => Promise<ApiResult<T>>): Promise<ApiResult<T>> => {
    const answer = await call();
    if (answer.ok || answer.status !== 401 || await renew() !== "renewed") return answer;
    return await call();
  };
  return {
    me: () => retry(() => api.me()),
    person: (username) => retry(() => api.person(username)),
    account: (account) => retry(() => api.account(account)),
    bundles: (account, devices) => retry(() => api.bundles(account, devices)),
    prekeyStock: () => retry(() => api.prekeyStock()),
    uploadPrekeys: (upload) => retry(() => api.uploadPrekeys(upload)),
    rooms: (after) => retry(() => api.rooms(after)),
    lookUpRoom: (request) => retry(() => api.lookUpRoom(request)),
    roomLog: (room, since) => retry(() => api.roomLog(room, since)),
    roomPeople: (room, after) => retry(() => api.roomPeople(room, after)),
    appendToRoom: (room, entry) => retry(() => api.appendToRoom(room, entry)),
    ask: (path, body, schema) => retry(() => api.ask(path, body, schema)),
  };
}

/** What the engine calls once signed in. */
export type DeviceApi = ReturnType<typeof withRenewal>;
