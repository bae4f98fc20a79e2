/** The scripts behind linking a device: the one that shows a code, and the one that takes it. */
import { formatCheck } from "../../../crypto/device_link.ts";
import type { LinkApproval } from "../../link_approving.ts";
import type { LinkWait, WaitingNews } from "../../link_waiting.ts";
import type { Outcome } from "../../types.ts";
import { Camera } from "../camera.ts";
import { el, fill } from "../dom.ts";
import { readLinkCode } from "../link_code.ts";
import { qrCode } from "../qr.ts";
import type * as QrRead from "../qr_read.ts";
import { hint, need, problem, progress, revealOnDemand } from "./page.ts";

/** How often either side asks how far the other is. Milliseconds. */
const ASK_MS = 1_000;
/** A new device looks every second: one that has not answered after so many looks is not there. */
const MOST_LOOKS = 30;

export interface WaitForLink {
  readonly begin: () => Promise<Outcome<LinkWait>>;
  /** Makes this browser the new device. */
  readonly enter: (wait: LinkWait) => Promise<Outcome<unknown>>;
  readonly after: (ms: number) => Promise<void>;
}

/** Shows the code, then the digits, then goes on to the chat. */
export async function runWaitForLink(step: HTMLElement, parts: WaitForLink): Promise<void> {
  const again = need<HTMLButtonElement>("#link-again", step);
  again.addEventListener("click", () => location.reload());
  const begun = await parts.begin();
  if (!begun.ok) return over(step, begun.words);
  const wait = begun.value;
  showCode(wait);
  for (;;) {
    const news = await wait.look();
    // No answer is no end: the request is good for ten minutes.
    if (!news.ok && news.code !== "offline") return over(step, news.words);
    if (news.ok && news.value.state === "handed") return await enter(step, parts, wait);
    if (news.ok) showNews(news.value);
    await parts.after(ASK_MS);
  }
}

function showCode(wait: LinkWait): void {
  need<HTMLElement>("#link-code").textContent = wait.code;
  fill(need<HTMLElement>("#link-qr"), qrCode(wait.address, "QR code of the same code"));
  progress("Waiting for your other device.");
  working(false);
}

function showNews(news: WaitingNews): void {
  if (news.state !== "met") return;
  const check = need<HTMLElement>("#link-check");
  if (!check.hidden) return;
  need<HTMLElement>("#link-who").textContent = `@${news.username}`;
  need<HTMLElement>("#link-digits").textContent = formatCheck(news.check);
  need<HTMLElement>("#link-show").hidden = true;
  check.hidden = false;
  progress("Waiting for the digits and your password there.");
}

/** The bar is for what this browser does, not for waits for people. */
function working(busy: boolean): void {
  need<HTMLElement>("#link-bar").hidden = !busy;
}

async function enter(step: HTMLElement, parts: WaitForLink, wait: LinkWait): Promise<void> {
  progress("Signing this browser in.");
  working(true);
  const entered = await parts.enter(wait);
  if (entered.ok) return location.assign("/chat");
  // A chat in another tab is in the way, or no answer came: it can be tried again, and a lost answer is found.
  const mayGoOn = entered.code === "not-available" || entered.code === "offline";
  if (!mayGoOn) return over(step, entered.words);
  progress("");
  working(false);
  problem(step, entered.words);
  const on = el("button", { type: "button", class: "primary" }, "Go on");
  on.addEventListener("click", () => {
    on.remove();
    problem(step, null);
    void enter(step, parts, wait);
  });
  need("#link-again", step).before(on);
  on.focus();
}

function over(step: HTMLElement, words: string): void {
  problem(step, words);
  progress("");
  working(false);
  for (const part of ["#link-show", "#link-check"]) need<HTMLElement>(part, step).hidden = true;
  const again = need<HTMLButtonElement>("#link-again", step);
  again.hidden = false;
  again.focus();
}

export interface ApproveLink {
  readonly take: (code: string) => Promise<Outcome<LinkApproval>>;
  readonly byPassword: (
    approval: LinkApproval,
    secret: string,
    progress: (words: string) => void,
  ) => Promise<Outcome<unknown>>;
  /** Null where this browser knows none. */
  readonly byPasskey: ((approval: LinkApproval) => Promise<Outcome<unknown>>) | null;
  /** Fetches what reads QR codes. */
  readonly qrReader: () => Promise<typeof QrRead>;
  readonly after: (ms: number) => Promise<void>;
}

/** Takes the code, compares the digits, asks for the password. */
export function runApproveLink(form: HTMLFormElement, parts: ApproveLink): void {
  new ApproveForm(form, parts);
}

type Stage = "enter" | "compare" | "approve";

class ApproveForm {
  readonly #form: HTMLFormElement;
  readonly #parts: ApproveLink;
  readonly #button: HTMLButtonElement;
  readonly #passkey: HTMLButtonElement | null;
  readonly #scan: LinkScan;
  #approval: LinkApproval | null = null;
  #stage: Stage = "enter";

  constructor(form: HTMLFormElement, parts: ApproveLink) {
    this.#form = form;
    this.#parts = parts;
    this.#button = need("button[type=submit]", form);
    this.#passkey = form.querySelector("[data-passkey]");
    this.#scan = new LinkScan(form, parts.qrReader, (code) => this.#scanned(code));
    revealOnDemand(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#run(() => this.#next());
    });
    this.#passkey?.addEventListener("click", () => void this.#run(() => this.#byPasskey()));
    this.#button.disabled = false;
    this.#fromAddress();
  }

  /**
   * A phone's camera has opened this page with the code behind the `#`: it stays in no history. So may anybody's link,
   * and whoever made that code hears whose device takes it: nothing is done before the person has said so.
   */
  #fromAddress(): void {
    const { hash, pathname } = location;
    if (hash.length < 2) return need<HTMLInputElement>("#code").focus();
    history.replaceState(null, "", pathname);
    need<HTMLInputElement>("#code").value = hash.slice(1);
    hint(
      "code",
      "quiet",
      "It came with this page’s address. Go on if the device that shows it is yours.",
    );
    this.#button.focus();
  }

  /** Read by camera or from a picture, which may take until the code is not asked for any more. */
  #scanned(code: string): void {
    if (this.#stage !== "enter" || this.#isBusy) return;
    need<HTMLInputElement>("#code").value = code;
    void this.#run(() => this.#take());
  }

  get #isBusy(): boolean {
    return this.#form.ariaBusy === "true";
  }

  async #run(work: () => Promise<void>): Promise<void> {
    if (this.#isBusy) return;
    problem(this.#form, null);
    this.#scan.close();
    this.#setBusy(true);
    try {
      await work();
    } finally {
      this.#setBusy(false);
      this.#focus();
    }
  }

  #next(): Promise<void> {
    if (this.#stage === "enter") return this.#take();
    return this.#stage === "compare" ? this.#compare() : this.#byPassword();
  }

  async #take(): Promise<void> {
    const code = need<HTMLInputElement>("#code");
    progress("Looking for the device with that code.");
    const taken = await this.#parts.take(code.value);
    if (!taken.ok) return hint("code", "bad", taken.words);
    this.#approval = taken.value;
    need<HTMLElement>("#link-shown").textContent = taken.value.code;
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const met = await taken.value.isMet();
      if (!met.ok && met.code !== "offline") return this.#over(met.words);
      if (met.ok && met.value) return this.#show("compare");
      await this.#parts.after(ASK_MS);
    }
    await taken.value.drop();
    this.#over("The new device does not answer. Try again with a new code.");
  }

  async #compare(): Promise<void> {
    const compared = await this.#approval!.compare(need<HTMLInputElement>("#digits").value);
    if (compared.ok) return this.#show("approve");
    if (compared.code === "code-expired") return this.#over(compared.words);
    hint("digits", "bad", compared.words);
  }

  async #byPassword(): Promise<void> {
    const password = need<HTMLInputElement>("#password", this.#form);
    if (password.value === "") return problem(this.#form, "Your password, please.");
    this.#end(await this.#parts.byPassword(this.#approval!, password.value, progress));
  }

  async #byPasskey(): Promise<void> {
    if (!this.#parts.byPasskey) return;
    progress("Follow your browser: it asks for your fingerprint, your face or a PIN.");
    this.#end(await this.#parts.byPasskey(this.#approval!));
  }

  #end(approved: Outcome<unknown>): void {
    // The request is gone: no other password helps.
    if (!approved.ok && approved.code === "code-expired") return this.#over(approved.words);
    if (!approved.ok) return problem(this.#form, approved.words);
    this.#form.reset();
    this.#form.hidden = true;
    const done = need<HTMLElement>("#link-done");
    done.hidden = false;
    done.focus();
  }

  /** Nothing came of this link; another code may. */
  #over(words: string): void {
    this.#approval = null;
    this.#form.reset();
    this.#show("enter");
    problem(this.#form, words);
  }

  #show(stage: Stage): void {
    this.#stage = stage;
    for (const each of ["enter", "compare", "approve"]) {
      need<HTMLElement>(`#link-${each}`, this.#form).hidden = each !== stage;
    }
    if (this.#passkey) this.#passkey.hidden = stage !== "approve" || !this.#parts.byPasskey;
    this.#button.textContent = stage === "approve" ? "Link this device" : "Continue";
  }

  #setBusy(busy: boolean): void {
    this.#form.ariaBusy = String(busy);
    need<HTMLElement>("#link-working", this.#form).hidden = !busy;
    this.#button.disabled = busy;
    this.#scan.allow(!busy);
    if (!busy) progress("");
  }

  #focus(): void {
    if (this.#form.hidden) return;
    const field = { enter: "#code", compare: "#digits", approve: "#password" }[this.#stage];
    need<HTMLInputElement>(field, this.#form).focus();
  }
}

/** Reads the code by camera, or from a picture of it; the field for typing stays where it is. */
class LinkScan {
  readonly #button: HTMLButtonElement;
  readonly #part: HTMLElement;
  readonly #camera: Camera;

  constructor(
    form: HTMLFormElement,
    reader: ApproveLink["qrReader"],
    take: (code: string) => void,
  ) {
    this.#button = need("[data-scan]", form);
    this.#part = need("#link-scan", form);
    const words = need("#link-scan-words", form);
    const say = (text: string) => void (words.textContent = text);
    const video = need<HTMLVideoElement>("video", form);
    const read = (text: string) => {
      const found = readLinkCode(text, location.origin);
      if (found.kind === "code") take(found.code);
      else say(found.kind === "other" ? OTHER_CODE : elsewhere(found.host));
    };
    this.#camera = new Camera({ video, say, reader, read });
    this.#button.hidden = false;
    this.#button.addEventListener("click", () => this.#part.hidden ? this.#open() : this.close());
    const file = need<HTMLInputElement>("#link-picture", form);
    file.addEventListener("change", () => void this.#camera.look(file.files?.[0]));
  }

  /** While something is under way no camera may start that nobody would stop. */
  allow(allowed: boolean): void {
    this.#button.disabled = !allowed;
  }

  close(): void {
    this.#camera.stop();
    this.#part.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
  }

  #open(): void {
    this.#part.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    void this.#camera.film();
  }
}

const OTHER_CODE = "That is a code, but not one of a device that waits to be linked.";

function elsewhere(host: string): string {
  return `That code is of another server, ${host}. A device is linked by one that is signed in at the same server.`;
}
