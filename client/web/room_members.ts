/** The members in the panel of a room. One of them can be opened: safety number, and what one may do. */
import type { AccountId } from "../../protocol/ids.ts";
import type { Member, Role, Room } from "../types.ts";
import { avatar } from "./avatar.ts";
import type { Question } from "./dialog.ts";
import { el, icon } from "./dom.ts";
import { verificationMark } from "./marks.ts";
import { outcomeOf } from "./more_parts.ts";
import { plainName } from "./names.ts";
import { keyed, type RoomPanel } from "./panel.ts";
import { bareDigits, safetyDigits, safetyWords } from "./safety.ts";
import { counted, ROLES } from "./words.ts";

const RANK: Readonly<Record<Role, number>> = { waiting: 0, member: 1, moderator: 2, owner: 3 };

export class MemberRows {
  readonly #panel: RoomPanel;
  #open: AccountId | null = null;
  #number: string | null = null;

  constructor(panel: RoomPanel) {
    this.#panel = panel;
  }

  /** Another room, or none. */
  leave(): void {
    this.#open = null;
    this.#number = null;
  }

  /** Who would like to come in, for those who may decide. */
  waiting(room: Room): HTMLElement[] {
    if (room.waiting.length === 0 || rankOf(room.role) < RANK.moderator) return [];
    return [
      el("h3", {}, "Waiting to come in"),
      el("ul", { class: "members" }, ...room.waiting.map((member) => this.#waits(room, member))),
    ];
  }

  /** Everybody, and how many of them are verified. */
  list(room: Room): HTMLElement[] {
    return [
      el("p", {}, standing(room.members)),
      el("ul", { class: "members" }, ...room.members.map((member) => this.#row(room, member))),
    ];
  }

  #waits(room: Room, member: Member): HTMLElement {
    const { tab, act } = this.#panel;
    const { account, username } = member;
    const name = nameOf(member);
    // Somebody whom nobody could look up has no name to be approved by.
    const decide = (
      words: "Approve" | "Decline",
      className: string,
      work: (username: string) => ReturnType<typeof tab.rooms.approve>,
    ) => {
      const made = keyed(`${words} ${account}`, className, words, (pressed) => {
        if (username !== null) void act(pressed, null, () => work(username));
      });
      made.setAttribute("aria-label", `${words} ${name}`);
      made.disabled = username === null;
      return made;
    };
    return el(
      "li",
      { class: "member" },
      avatar(account, name, "small"),
      el("bdi", {}, name),
      handle(member),
      el(
        "div",
        { class: "member-actions" },
        decide("Approve", "primary", (who) => tab.rooms.approve(room.id, who)),
        decide("Decline", "secondary", (who) => tab.rooms.decline(room.id, who)),
      ),
    );
  }

  #row(room: Room, member: Member): HTMLElement {
    const { account, you } = member;
    if (you) {
      const { me } = this.#panel.tab;
      const own = plainName(me.fullName, me.username);
      const about = el("span", { class: "about" }, `${ROLES[member.role]} · you`);
      return el(
        "li",
        { class: "member" },
        avatar(account, own, "small"),
        el("bdi", {}, own),
        about,
      );
    }
    const isOpen = this.#open === account;
    const name = nameOf(member);
    const row = keyed(`member ${account}`, "member-row", "", () => this.#toggle(member));
    row.setAttribute("aria-expanded", String(isOpen));
    row.append(
      avatar(account, name, "small"),
      el("bdi", {}, name),
      el(
        "span",
        { class: "about" },
        `${ROLES[member.role]} · `,
        verificationMark(member.verification),
      ),
      icon(isOpen ? "chevron-down" : "chevron-right"),
    );
    return el("li", { class: "member-item" }, row, isOpen && this.#about(room, member, name));
  }

  #about(room: Room, member: Member, name: string): HTMLElement {
    const { account, verification } = member;
    const id = `safety-${account}`;
    return el(
      "div",
      { class: "member-about" },
      el("p", { class: "handle" }, member.username === null ? "" : `@${member.username}`),
      el("h4", { id }, "Safety number with ", el("bdi", {}, name)),
      safetyDigits(this.#number, id),
      el("p", {}, safetyWords(verification, name)),
      ...this.#actions(room, member, name),
    );
  }

  /** What is shown of theirs is drawn anew. */
  #block(room: Room, { account, blocked }: Member): HTMLElement {
    const { tab: { people, rooms }, act, refresh } = this.#panel;
    const words = blocked ? "Unblock" : "Block";
    const work = async () => {
      const done = await (blocked ? people.unblock(account) : people.block(account));
      refresh();
      return done.ok ? await rooms.room(room.id) : done;
    };
    return keyed(
      `block ${account}`,
      "secondary",
      words,
      (pressed) => void act(pressed, null, work),
    );
  }

  #actions(room: Room, member: Member, name: string) {
    const { username, role, account, verification } = member;
    if (username === null) return [];
    const { tab, act, started, complain } = this.#panel;
    const { rooms } = tab;
    const doing = (
      words: string,
      question: Question | null,
      work: () => ReturnType<typeof rooms.setRole>,
    ) => {
      const className = question?.grave ? "secondary grave" : "secondary";
      return keyed(`${words} ${account}`, className, words, (pressed) => {
        void act(pressed, question, work);
      });
    };
    const message = keyed(`write ${account}`, "secondary", "Write to them alone", async () => {
      const outcome = await outcomeOf(this.#panel, tab.startConversation(username));
      if (outcome.ok) started(outcome.value.id);
      else complain(outcome.words);
    });
    const made: HTMLElement[] = [message, this.#block(room, member)];
    const isVerified = verification === "verified";
    if (verification !== "changed") {
      const words = isVerified ? "Remove the mark" : "Mark as verified";
      const className = isVerified ? "secondary" : "primary";
      const verify = keyed(`verify ${account}`, className, words, () => {
        void this.#verify(username, account, !isVerified);
      });
      made.unshift(verify);
    }
    if (room.stopped !== null) return made;
    const mine = rankOf(room.role);
    if (mine === RANK.owner) {
      for (const next of ["member", "moderator", "owner"] as const) {
        if (next === role) continue;
        const question = next === "owner" ? ownerToo(name) : null;
        made.push(
          doing(MAKE[next], question, () => rooms.setRole(room.id, username, next)),
        );
      }
    }
    if (mine >= RANK.moderator && RANK[role] < mine) {
      made.push(
        doing("Remove", removal(name), () => rooms.removeMember(room.id, username)),
        doing("Ban", ban(name), () => rooms.banMember(room.id, username)),
      );
    }
    return made;
  }

  /** The mark stands at the conversation with that person, which is begun if there is none. */
  async #verify(username: string, account: AccountId, verified: boolean): Promise<void> {
    const { tab, complain } = this.#panel;
    const begun = await outcomeOf(this.#panel, tab.startConversation(username));
    if (!begun.ok) return complain(begun.words);
    const outcome = await outcomeOf(this.#panel, tab.setVerified(account, verified));
    if (!outcome.ok) complain(outcome.words);
  }

  #toggle({ account }: Member): void {
    const opens = this.#open !== account;
    this.#open = opens ? account : null;
    this.#number = null;
    this.#panel.render();
    if (opens) void this.#read(account);
  }

  async #read(account: AccountId): Promise<void> {
    const { tab, complain, render } = this.#panel;
    const outcome = await outcomeOf(this.#panel, tab.safetyNumber(account));
    if (account !== this.#open) return;
    if (!outcome.ok) return complain(outcome.words);
    this.#number = bareDigits(outcome.value.number);
    render();
  }
}

function rankOf(role: Role | null): number {
  return role === null ? 0 : RANK[role];
}

/** What people call somebody; nobody but the account's owner chose it. */
export function nameOf({ fullName, username }: Pick<Member, "fullName" | "username">): string {
  return plainName(fullName ?? "", username ?? "Somebody");
}

function handle({ username }: Member): HTMLElement {
  return el("span", { class: "about" }, username === null ? "not found yet" : `@${username}`);
}

function standing(members: readonly Member[]): string {
  const others = members.filter(({ you }) => !you);
  if (others.length === 0) return "Only you so far. Share the invitation to change that.";
  const verified = others.filter(({ verification }) => verification === "verified").length;
  const all = counted(members.length, "member");
  if (verified === others.length) return `${all}, all verified.`;
  return `${all}, ${verified} verified. Press a name to compare the safety number.`;
}

const MAKE = {
  member: "Make plain member",
  moderator: "Make moderator",
  owner: "Make owner too",
} as const;

function ownerToo(name: string): Question {
  return {
    title: `Make ${name} an owner?`,
    words: "An owner may do everything here, delete the room too, and can take your own role away.",
    yes: "Make owner",
  };
}

function removal(name: string): Question {
  return {
    title: `Remove ${name}?`,
    words:
      `${name} can’t read what is said from then on. The room gets a new code, which everybody ` +
      "else is told.",
    yes: "Remove",
    grave: true,
  };
}

function ban(name: string): Question {
  return {
    title: `Ban ${name}?`,
    words: `${name} is out and can’t come back, not even with the new code.`,
    yes: "Ban",
    grave: true,
  };
}
