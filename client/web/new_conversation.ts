/** The dialog behind "New conversation": somebody, a room of one's own, or a room that somebody else made. */
import { openBlockedPeople } from "./blocked_people.ts";
import { openDialog, type Opened } from "./dialog.ts";
import { button, el, fill, icon } from "./dom.ts";
import { type Field, makeField, makeForm } from "./fields.ts";
import { previewCard } from "./join_preview.ts";
import { type MoreParts, outcomeOf } from "./more_parts.ts";
import { suggestions } from "./suggestions.ts";

export type StartTab = "person" | "create" | "join";

interface Panel {
  readonly tab: StartTab;
  readonly words: string;
  readonly icon: string;
  readonly form: HTMLFormElement;
  readonly field: Field;
}

/** As many letters and digits as a room code has; what stands between them does not count. */
const CODE_LETTERS = 16;
const USERNAME = { autocapitalize: "none", spellcheck: "false", maxlength: 33 };
const CODE = {
  autocapitalize: "characters",
  spellcheck: "false",
  maxlength: 200,
  class: "code-input",
};

export class NewConversation {
  readonly #parts: MoreParts;
  #opened: Opened | null = null;
  /** Counts what was typed as a code, so that an answer for an earlier one is dropped. */
  #look = 0;

  constructor(parts: MoreParts) {
    this.#parts = parts;
  }

  /** `username`: whom somebody came for. */
  open(first: StartTab, username = ""): void {
    if (this.#opened) return;
    this.#opened = openDialog("New conversation", () => this.#opened = null);
    const panels = [this.#person(username), this.#create(), this.#join()];
    this.#opened.body.append(...tabs(panels, first));
    panels.find(({ tab }) => tab === first)!.field.input.focus();
  }

  #person(typed: string): Panel {
    const { tab, started } = this.#parts;
    const field = makeField({
      id: "new-username",
      label: "Username",
      hint: `They find you as @${tab.me.username}.`,
      attributes: USERNAME,
    });
    field.input.value = typed;
    const found = suggestions(this.#parts, field.input, (username) => {
      field.input.value = username;
      form.requestSubmit();
    });
    const { form } = makeForm("Start chat", [...field.parts, found], async () => {
      const username = field.input.value.trim().replace(/^@/, "").toLowerCase();
      if (username === "") return field.say("Whom would you like to write to?");
      const outcome = await outcomeOf(this.#parts, tab.startConversation(username));
      if (outcome.ok) this.#done(() => started(outcome.value.id));
      else field.say(outcome.words);
    });
    form.append(el("a", { class: "quiet-link", href: "/people" }, "People on this server"));
    void this.#offerBlocked(form);
    return { tab: "person", words: "Person", icon: "user", form, field };
  }

  /** A way to those who are blocked, where there are any. */
  async #offerBlocked(form: HTMLFormElement): Promise<void> {
    const people = await this.#parts.tab.people.blocked().catch(() => []);
    if (people.length === 0) return;
    const open = () => this.#done(() => void openBlockedPeople(this.#parts));
    form.append(button("quiet-link", `Blocked people (${people.length})`, open));
  }

  #create(): Panel {
    const { tab, started } = this.#parts;
    const field = makeField({
      id: "new-room",
      label: "Room name",
      hint: "You get a code. Whoever you give it to can come in.",
      attributes: { maxlength: 128 },
    });
    const { form } = makeForm("Create", field.parts, async () => {
      const name = field.input.value.trim();
      if (name === "") return field.say("What shall the room be called?");
      const outcome = await outcomeOf(this.#parts, tab.rooms.createRoom(name));
      if (outcome.ok) this.#done(() => started(outcome.value.conversation));
      else field.say(outcome.words);
    });
    return { tab: "create", words: "Create room", icon: "users", form, field };
  }

  #join(): Panel {
    const { tab, started } = this.#parts;
    const field = makeField({
      id: "new-code",
      label: "Room code",
      hint: "Sixteen letters and digits, or the link you were sent.",
      attributes: CODE,
    });
    const seen = el("div", { class: "preview-place", "aria-live": "polite" });
    const { form } = makeForm("Join", [...field.parts, seen], async () => {
      const code = field.input.value.trim();
      if (code === "") return field.say("Type or paste the code you were given.");
      const outcome = await outcomeOf(this.#parts, tab.rooms.joinRoom(code));
      if (outcome.ok) this.#done(() => started(outcome.value.conversation));
      else field.say(outcome.words);
    });
    field.input.addEventListener("input", () => void this.#preview(field, seen));
    return { tab: "join", words: "Join room", icon: "door-open", form, field };
  }

  /** A whole code shows its room at once; joining is another press. */
  async #preview(field: Field, seen: HTMLElement): Promise<void> {
    const look = ++this.#look;
    fill(seen);
    const code = field.input.value;
    if (!isWhole(code)) return;
    fill(seen, el("p", { class: "looking" }, "Looking for the room…"));
    const outcome = await outcomeOf(this.#parts, this.#parts.tab.rooms.previewRoom(code));
    if (look !== this.#look || !this.#opened) return;
    fill(seen, outcome.ok && previewCard(outcome.value));
    if (!outcome.ok) field.say(outcome.words);
  }

  #done(go: () => void): void {
    // Closed meanwhile: what was begun is in the list, and nobody is taken anywhere.
    if (!this.#opened) return;
    this.#opened.close();
    go();
  }
}

function isWhole(typed: string): boolean {
  const code = typed.slice(typed.lastIndexOf("#") + 1);
  return code.replace(/[^a-z0-9]/gi, "").length >= CODE_LETTERS;
}

/** Arrow keys move between tabs and choose at once. */
function tabs(panels: readonly Panel[], first: StartTab): HTMLElement[] {
  const list = el("div", { class: "tabs", role: "tablist", "aria-label": "What to start" });
  const made = panels.map(({ tab, words, icon: name, form }) => {
    const id = `tab-${tab}`;
    const one = el("button", { id, type: "button", role: "tab", "aria-controls": `panel-${tab}` });
    one.append(icon(name), words);
    list.append(one);
    const panel = el("div", { id: `panel-${tab}`, role: "tabpanel", "aria-labelledby": id }, form);
    return { tab, one, panel };
  });
  const choose = (chosen: StartTab) => {
    for (const { tab, one, panel } of made) {
      one.setAttribute("aria-selected", String(tab === chosen));
      one.tabIndex = tab === chosen ? 0 : -1;
      panel.hidden = tab !== chosen;
    }
  };
  for (const [at, { tab, one }] of made.entries()) {
    one.addEventListener("click", () => choose(tab));
    one.addEventListener("keydown", ({ key }) => {
      const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      const next = made[(at + step + made.length) % made.length]!;
      if (step === 0) return;
      choose(next.tab);
      next.one.focus();
    });
  }
  choose(first);
  return [list, ...made.map(({ panel }) => panel)];
}
