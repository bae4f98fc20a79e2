/**
 * The HTTP half of the wire: protocol/api.ts as calls that answer with values. What carries the
 * bytes is handed in: `fetch` in a page, `fetch` with its own certificate authority in the terminal,
 * a function in tests.
 */
import {
  type AccountAnswer,
  type AccountRequest,
  type BundlesAnswer,
  bundlesAnswer,
  bundlesRequest,
  CBOR_TYPE,
  CHALLENGE_HEADER,
  type ChallengeAnswer,
  challengeAnswer,
  challengeRequest,
  CLIENT_HEADER,
  type CodeAnswer,
  type DeviceAnswer,
  type DeviceRequest,
  errorAnswer,
  type FinishAnswer,
  type FinishRequest,
  type LoginAnswer,
  loginAnswer,
  type LoginRequest,
  loginRequest,
  type MeAnswer,
  meAnswer,
  type PasswordChangeAnswer,
  type PasswordChangeRequest,
  type PasswordProvenAnswer,
  type PasswordStartAnswer,
  type PasswordStartRequest,
  type PersonAnswer,
  personAnswer,
  type PrekeyStockAnswer,
  prekeyStockAnswer,
  type RegistrationAnswer,
  type SignInAnswer,
  type SignUpAnswer,
} from "../protocol/api.ts";
import { type PrekeyUpload, prekeyUploadSchema } from "../protocol/bundle.ts";
import { decode, encode, type Schema } from "../protocol/codec.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import {
  type AppendAnswer,
  appendAnswer,
  type LogAnswer,
  logAnswer,
  type LookupRequest,
  lookupRequest,
  type PeopleAnswer,
  peopleAnswer,
  type RoomsAnswer,
  roomsAnswer,
} from "../protocol/room_api.ts";
import { type RoomEntry, roomEntrySchema } from "../protocol/room_entry.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** Begins with a slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes | string | null;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: Bytes;
}

/** Carries one request. Rejects when there was no answer. */
export type HttpSend = (request: HttpRequest) => Promise<HttpResponse>;

/** What a call came to. `status` 0: no answer; `code` is then "offline". `retryAfter` in seconds. */
export type ApiResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
    readonly ok: false;
    readonly status: number;
    readonly code: string;
    readonly words: string;
    readonly retryAfter: number | null;
  };

export interface SignUpForm {
  readonly username: string;
  readonly fullName: string;
  readonly contact: string;
  readonly invite?: string;
}

/** What a device asks of the server. No call throws for anything the server or the network does. */
export interface EngineApi {
  /** Scheme, host and port, as in {@link loginProof}. */
  readonly origin: string;
  /** A terminal's bearer login; null in a browser (cookie) and when signed out. */
  login: string | null;
  challenge(device: DeviceId): Promise<ApiResult<ChallengeAnswer>>;
  renewLogin(request: LoginRequest): Promise<ApiResult<LoginAnswer>>;
  me(): Promise<ApiResult<MeAnswer>>;
  person(username: string): Promise<ApiResult<PersonAnswer>>;
  account(account: AccountId): Promise<ApiResult<PersonAnswer>>;
  bundles(account: AccountId, devices: readonly DeviceId[]): Promise<ApiResult<BundlesAnswer>>;
  prekeyStock(): Promise<ApiResult<PrekeyStockAnswer>>;
  uploadPrekeys(upload: PrekeyUpload): Promise<ApiResult<PrekeyStockAnswer>>;
  /** Rooms of this account with an id above `after`. */
  rooms(after: RoomId | null): Promise<ApiResult<RoomsAnswer>>;
  lookUpRoom(request: LookupRequest): Promise<ApiResult<LogAnswer>>;
  roomLog(room: RoomId, since: number): Promise<ApiResult<LogAnswer>>;
  roomPeople(room: RoomId, after: AccountId | null): Promise<ApiResult<PeopleAnswer>>;
  /** `room` is null for a `create`. */
  appendToRoom(room: RoomId | null, entry: RoomEntry): Promise<ApiResult<AppendAnswer>>;
  /** Any other call that a signed-in device makes: GET without a body, else POST. */
  ask<T>(path: string, body: Bytes | null, schema: Schema<T>): Promise<ApiResult<T>>;
}

/** Everything of the server's HTTP interface: besides, accounts are made, entered and changed. */
export interface Api extends EngineApi {
  signUp(form: SignUpForm): Promise<ApiResult<SignUpAnswer>>;
  confirm(code: string): Promise<ApiResult<CodeAnswer>>;
  resend(): Promise<ApiResult<SignUpAnswer>>;
  registerPassword(request: string): Promise<ApiResult<RegistrationAnswer>>;
  createAccount(request: AccountRequest): Promise<ApiResult<AccountAnswer>>;
  signIn(username: string, request: string): Promise<ApiResult<SignInAnswer>>;
  finishSignIn(request: FinishRequest): Promise<ApiResult<FinishAnswer>>;
  /** A code of the second factor; answers what `finishSignIn` does without one. */
  secondFactor(code: string): Promise<ApiResult<FinishAnswer>>;
  addDevice(request: DeviceRequest): Promise<ApiResult<DeviceAnswer>>;
  startPasswordChange(request: PasswordStartRequest): Promise<ApiResult<PasswordStartAnswer>>;
  provePassword(request: FinishRequest): Promise<ApiResult<PasswordProvenAnswer>>;
  changePassword(request: PasswordChangeRequest): Promise<ApiResult<PasswordChangeAnswer>>;
}

export interface ApiOptions {
  readonly origin: string;
  readonly send: HttpSend;
  /** A terminal holds its challenge and its login itself; a browser has them in cookies. */
  readonly terminal: boolean;
  readonly login?: string | null;
}

/** For an engine; account_transport.ts has the rest. */
export function createEngineApi(options: ApiOptions): EngineApi {
  return new HttpEngineApi(options);
}

/** A request without an answer for this long has none: the network is gone. Milliseconds. */
const PATIENCE = 60_000;

/** `fetch` as the carrier of a page, for its own origin. */
export function fetchSend(origin: string): HttpSend {
  return async ({ method, path, headers, body }) => {
    const response = await fetch(new URL(path, origin), {
      ...{ method, headers, body, redirect: "error", credentials: "same-origin" },
      signal: AbortSignal.timeout(PATIENCE),
    });
    const { status } = response;
    return {
      status,
      headers: response.headers,
      body: new Uint8Array(await response.arrayBuffer()),
    };
  };
}

export class HttpEngineApi implements EngineApi {
  readonly origin: string;
  readonly #options: ApiOptions;
  login: string | null;
  #challenge: string | null = null;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.origin = options.origin;
    this.login = options.login ?? null;
  }

  challenge(device: DeviceId): Promise<ApiResult<ChallengeAnswer>> {
    const body = encode(challengeRequest, { device });
    return this.post("/api/login/challenge", body, challengeAnswer);
  }

  async renewLogin(request: LoginRequest): Promise<ApiResult<LoginAnswer>> {
    const body = encode(loginRequest, request);
    return this.keep(await this.post("/api/login", body, loginAnswer));
  }

  me(): Promise<ApiResult<MeAnswer>> {
    return this.#get("/api/me", meAnswer);
  }

  person(username: string): Promise<ApiResult<PersonAnswer>> {
    return this.#get(`/api/people/${encodeURIComponent(username)}`, personAnswer);
  }

  account(account: AccountId): Promise<ApiResult<PersonAnswer>> {
    return this.#get(`/api/accounts/${account}`, personAnswer);
  }

  bundles(account: AccountId, devices: readonly DeviceId[]): Promise<ApiResult<BundlesAnswer>> {
    const body = encode(bundlesRequest, { devices: [...devices] });
    return this.post(`/api/accounts/${account}/bundles`, body, bundlesAnswer);
  }

  prekeyStock(): Promise<ApiResult<PrekeyStockAnswer>> {
    return this.#get("/api/prekeys", prekeyStockAnswer);
  }

  uploadPrekeys(upload: PrekeyUpload): Promise<ApiResult<PrekeyStockAnswer>> {
    return this.post("/api/prekeys", encode(prekeyUploadSchema, upload), prekeyStockAnswer);
  }

  rooms(after: RoomId | null): Promise<ApiResult<RoomsAnswer>> {
    return this.#get(`/api/rooms${after === null ? "" : `?after=${after}`}`, roomsAnswer);
  }

  lookUpRoom(request: LookupRequest): Promise<ApiResult<LogAnswer>> {
    return this.post("/api/rooms/lookup", encode(lookupRequest, request), logAnswer);
  }

  roomLog(room: RoomId, since: number): Promise<ApiResult<LogAnswer>> {
    return this.#get(`/api/rooms/${room}/log?since=${since}`, logAnswer);
  }

  roomPeople(room: RoomId, after: AccountId | null): Promise<ApiResult<PeopleAnswer>> {
    const from = after === null ? "" : `?after=${after}`;
    return this.#get(`/api/rooms/${room}/people${from}`, peopleAnswer);
  }

  appendToRoom(room: RoomId | null, entry: RoomEntry): Promise<ApiResult<AppendAnswer>> {
    const path = room === null ? "/api/rooms" : `/api/rooms/${room}/log`;
    return this.post(path, encode(roomEntrySchema, entry), appendAnswer);
  }

  ask<T>(path: string, body: Bytes | null, schema: Schema<T>): Promise<ApiResult<T>> {
    return body === null ? this.#get(path, schema) : this.post(path, body, schema);
  }

  #get<T>(path: string, schema: Schema<T>): Promise<ApiResult<T>> {
    return this.send({ method: "GET", path, headers: {}, body: null }, schema);
  }

  protected post<T>(path: string, body: Bytes, schema: Schema<T>): Promise<ApiResult<T>> {
    const headers = { "content-type": CBOR_TYPE };
    return this.send({ method: "POST", path, headers, body }, schema);
  }

  protected async send<T>(request: HttpRequest, schema: Schema<T>): Promise<ApiResult<T>> {
    const headers = { ...request.headers, accept: CBOR_TYPE, ...this.#proof() };
    try {
      const response = await this.#options.send({ ...request, headers });
      return read(response, schema);
    } catch {
      return failure(0, "offline", "The server cannot be reached.", null);
    }
  }

  #proof(): Record<string, string> {
    if (!this.#options.terminal) return {};
    return {
      [CLIENT_HEADER]: "terminal",
      ...this.login === null ? {} : { authorization: `Bearer ${this.login}` },
      ...this.#challenge === null ? {} : { [CHALLENGE_HEADER]: this.#challenge },
    };
  }

  /** Takes up the login or challenge that a terminal's answer carries. */
  protected keep<T extends object>(result: ApiResult<T>): ApiResult<T> {
    if (!result.ok || !this.#options.terminal) return result;
    const { login, challenge } = result.value as { login?: unknown; challenge?: unknown };
    if (typeof login === "string") this.login = login;
    if (typeof challenge === "string") this.#challenge = challenge;
    return result;
  }
}

function read<T>(response: HttpResponse, schema: Schema<T>): ApiResult<T> {
  const { status, body } = response;
  if (status < 200 || status > 299) return readError(response);
  try {
    return { ok: true, value: decode(schema, body) };
  } catch {
    return failure(status, "bad-answer", "The server answered in a way that makes no sense.", null);
  }
}

function readError({ status, headers, body }: HttpResponse): ApiResult<never> {
  const waits = Number(headers.get("retry-after") ?? NaN);
  const header = Number.isFinite(waits) && waits >= 0 ? waits : null;
  try {
    const { code, message, retryAfter } = decode(errorAnswer, body);
    return failure(status, code, message, retryAfter ?? header);
  } catch {
    // A proxy in between, or a server from another time: the status says enough.
    return failure(status, codeOf(status), wordsOf(status), header);
  }
}

function codeOf(status: number): string {
  if (status === 401) return "sign-in-needed";
  if (status === 429) return "too-many";
  return status >= 500 ? "internal" : "refused";
}

function wordsOf(status: number): string {
  return status >= 500
    ? "The server has trouble. Try again in a moment."
    : "The server refused that.";
}

function failure(
  status: number,
  code: string,
  words: string,
  retryAfter: number | null,
): ApiResult<never> {
  return { ok: false, status, code, words, retryAfter };
}
