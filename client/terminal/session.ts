/** One person at one terminal: signing up or in, then an open engine. Both terminal clients use it. */
import { type CodeNeeded, confirmSignIn, finishSignUp, signIn } from "../account_flow.ts";
import { outcomeOf } from "../flow_refusals.ts";
import { type OpenEngine, openEngine } from "../engine.ts";
import type { KnownPasswords } from "../known_passwords.ts";
import { defaultAfter } from "../engine_options.ts";
import type { After, SocketFactory } from "../link.ts";
import { type LinkApproval, takeLinkCode } from "../link_approving.ts";
import { type LinkWait, waitForLink } from "../link_waiting.ts";
import { adviseOnPassword } from "../password_advice.ts";
import { proveByPassword } from "../passkeys.ts";
import type { PasswordClient } from "../password_client.ts";
import type { LocalStore } from "../store.ts";
import { approveReset, createResetWatch, stopReset } from "../reset_watch.ts";
import { createApi } from "../account_transport.ts";
import type { Api, HttpSend } from "../transport.ts";
import { MAX_DEVICES } from "../../protocol/limits.ts";
import { done, NoDevice, type Outcome, refused } from "../types.ts";
import { ChatError } from "./errors.ts";
import { Linking, type LinkTold, untilMet } from "./link_waits.ts";

/** A wait takes three days; whoever sits here hears of it in time. */
const RESET_WATCH_MS = 3_600_000;

export interface SessionParts {
  readonly origin: string;
  readonly send: HttpSend;
  readonly socket: SocketFactory;
  readonly openStore: () => Promise<LocalStore>;
  readonly password: () => Promise<PasswordClient>;
  readonly known: KnownPasswords;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A fault that no person can do anything about. */
  readonly fault: (error: unknown) => void;
  /** Default: setTimeout. */
  readonly after?: After;
}

export interface SignUpDetails {
  readonly username: string;
  readonly fullName: string;
  readonly contact: string;
  readonly password: string;
  readonly invite?: string;
}

export class ChatSession {
  readonly #parts: SessionParts;
  readonly #api: Api;
  #store: LocalStore | null = null;
  #engine: OpenEngine | null = null;
  #signUp: SignUpDetails | null = null;
  #codeNeeded: CodeNeeded | null = null;
  #linking: { readonly loop: Linking; readonly done: Promise<void> } | null = null;
  #approval: LinkApproval | null = null;
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#api = createApi({ origin: parts.origin, send: parts.send, terminal: true });
  }

  get origin(): string {
    return this.#parts.origin;
  }

  get now(): () => number {
    return this.#parts.now;
  }

  /** The open engine. @throws {ChatError} when nobody is signed in */
  get engine(): OpenEngine {
    if (!this.#engine) {
      throw new ChatError("no-device", "Sign up, sign in or open a profile first.");
    }
    return this.#engine;
  }

  get isOpen(): boolean {
    return this.#engine !== null;
  }

  /** Sends the form; a code comes by the server's channel. */
  async signUp(form: SignUpDetails): Promise<Outcome<"code">> {
    await this.#demandFree();
    const { username, contact } = form;
    const advice = await adviseOnPassword(form.password, { username, contact }, this.#parts.known);
    if (!advice.ok) return refused("weak-password", advice.words);
    // Asked for before the server is: a profile that is taken must not cost a code.
    await this.#openStore();
    const { password: _, ...fields } = form;
    const answer = await this.#api.signUp({ ...fields, username: username.trim().toLowerCase() });
    if (!answer.ok) return outcomeOf(answer);
    [this.#signUp, this.#codeNeeded] = [form, null];
    return done("code");
  }

  /** Takes the code that was asked for: of a sign-up, which then has a recovery key, or a second factor. */
  async confirm(code: string): Promise<Outcome<{ readonly recoveryKey: string | null }>> {
    await this.#demandFree();
    if (this.#codeNeeded) return await this.#confirmSignIn(this.#codeNeeded, code);
    const form = this.#signUp;
    if (!form) return refused("bad-input", "Nothing waits for a code. Sign up first.");
    const answer = await this.#api.confirm(code);
    if (!answer.ok) return outcomeOf(answer);
    const { username, fullName, password } = form;
    const parts = await this.#flow();
    const confirmed = { account: answer.value.account, username, fullName, password };
    const finished = await finishSignUp(parts, confirmed);
    if (!finished.ok) return finished;
    this.#signUp = null;
    await this.#openEngine();
    return done({ recoveryKey: finished.value.recoveryKey });
  }

  /** Signs in; "code" when the account asks for a second factor, which {@link confirm} then takes. */
  async signIn(username: string, password: string): Promise<Outcome<"ready" | "code">> {
    await this.#demandFree();
    const signedIn = await signIn(await this.#flow(), { username, password });
    if (!signedIn.ok) return signedIn;
    if ("codeNeeded" in signedIn.value) {
      this.#codeNeeded = signedIn.value;
      return done("code");
    }
    await this.#openEngine();
    return done("ready");
  }

  async #confirmSignIn(needed: CodeNeeded, code: string): Promise<Outcome<{ recoveryKey: null }>> {
    const signedIn = await confirmSignIn(await this.#flow(), needed, code);
    if (!signedIn.ok) return signedIn;
    this.#codeNeeded = null;
    await this.#openEngine();
    return done({ recoveryKey: null });
  }

  /** Asks to be signed in by another device; returns what to show to it. `told` hears the rest. */
  async link(told: LinkTold): Promise<Outcome<Pick<LinkWait, "code" | "address">>> {
    this.#demandClosed();
    const { api, kind, mode, now } = await this.#flow();
    const begun = await waitForLink({ api, kind, mode, now });
    if (!begun.ok) return begun;
    await this.#stopLinking();
    const wait = begun.value;
    const loop = new Linking({
      ...{ ...told, wait, after: this.#after },
      enter: async () => {
        this.#demandClosed();
        const entered = await wait.enter(await this.#flow());
        if (entered.ok) await this.#openEngine();
        return entered;
      },
    });
    this.#linking = { loop, done: loop.run().catch(this.#parts.fault) };
    return begun;
  }

  /** Takes the code of a new device, and waits until that one shows its digits. */
  async takeLink(code: string): Promise<Outcome<null>> {
    if ((await this.engine.devices()).length >= MAX_DEVICES) {
      return refused("not-available", "This account has eight devices. Remove one first.");
    }
    const taken = await takeLinkCode({ api: this.#api, store: await this.#openStore() }, code);
    if (!taken.ok) return taken;
    this.#approval = taken.value;
    return await untilMet(taken.value, this.#after);
  }

  /** Compares the digits of the new device. "code-expired": the link is over. */
  async compareLink(digits: string): Promise<Outcome<null>> {
    return await this.#approval?.compare(digits) ?? NO_LINK;
  }

  /** The password opens the vault, which signs the new device in. */
  async approveLink(secret: string): Promise<Outcome<null>> {
    if (!this.#approval) return NO_LINK;
    const door = await proveByPassword({ api: this.#api }, await this.#parts.password(), secret);
    return door.ok ? await this.#approval.approve(door.value) : door;
  }

  /** Opens the device that the profile already holds. */
  async open(): Promise<Outcome<"ready">> {
    await this.#demandFree();
    await this.#openStore();
    await this.#openEngine();
    return done("ready");
  }

  /** Tells when somebody wants to start the account over: now, at each connection and every hour. */
  watchReset(tell: (due: number) => void): void {
    const look = createResetWatch(this.#api, tell);
    const quietly = () => void look().catch(this.#parts.fault);
    this.engine.on((event) => event.kind === "connection" && event.state === "online" && quietly());
    const watch = setInterval(quietly, RESET_WATCH_MS);
    Deno.unrefTimer(watch);
    this.#watch = watch;
    quietly();
  }

  stopReset(): Promise<Outcome<unknown>> {
    return stopReset(this.#api);
  }

  approveReset(code: string): Promise<Outcome<unknown>> {
    return approveReset(this.#api, code);
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    await this.#stopLinking();
    await this.#engine?.close();
    await this.#store?.close();
    [this.#engine, this.#store] = [null, null];
  }

  get #after(): After {
    return this.#parts.after ?? defaultAfter;
  }

  async #stopLinking(): Promise<void> {
    this.#linking?.loop.stop();
    await this.#linking?.done;
    this.#linking = null;
  }

  async #flow() {
    const { password, now } = this.#parts;
    return {
      api: this.#api,
      store: await this.#openStore(),
      password: await password(),
      kind: "terminal",
      mode: "portable",
      now,
    } as const;
  }

  async #openStore(): Promise<LocalStore> {
    return this.#store ??= await this.#parts.openStore();
  }

  async #openEngine(): Promise<void> {
    const { socket, now, fault } = this.#parts;
    const store = await this.#openStore();
    const log = ({ error }: { readonly error: unknown }) => fault(error);
    try {
      const options = { store, api: this.#api, socket, mode: "portable", now, log } as const;
      this.#engine = await openEngine(options);
    } catch (error) {
      throw error instanceof NoDevice ? wordsFor(error) : error;
    }
  }

  /** Two ways of becoming a device at once would write over each other's keys: the one begun last counts. */
  async #demandFree(): Promise<void> {
    await this.#stopLinking();
    this.#demandClosed();
  }

  #demandClosed(): void {
    if (this.#engine) throw new ChatError("already-open", "This profile is open already.");
  }
}

const NO_LINK = refused("bad-input", "No device waits to be linked. Begin with its code.");

function wordsFor({ reason }: NoDevice): ChatError {
  if (reason === "wiped") {
    return new ChatError(
      "restored",
      "A part of this profile is gone, so its keys must not be used again. Sign in to make it a new device.",
    );
  }
  return reason === "restored"
    ? new ChatError(
      "restored",
      "This profile is an old copy, so its keys must not be used again. Sign in to make it a new device.",
    )
    : new ChatError("no-device", "This profile holds no device yet. Sign up or sign in.");
}
