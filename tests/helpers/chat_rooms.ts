/** What the tests of rooms in the page share: three rooms with every state in them, and their dialogs by name. */
import type { Locator, Page } from "playwright-core";
import type { ChatPage } from "./chat_page.ts";
import { fakeId, type Line, type Scenario } from "./fake_scenario.ts";
import { ANOTHER_CODE, type FakeMember } from "./fake_rooms.ts";

export const members: FakeMember[] = [
  { username: "mira", name: "Mira Kaplan", role: "owner", verification: "verified" },
  { username: "ben", name: "Ben Okafor" },
  { username: "cleo", name: "Cleo Laurent", role: "moderator" },
  { username: "layla", name: "ليلى حسن", verification: "changed" },
];

const said = (username: string, text: string, more: Partial<Line> = {}): Line => ({
  from: fakeId(username),
  device: fakeId(`device of ${username}`),
  sender: members.find((each) => each.username === username)!.name,
  text,
  ...more,
});

export const scenario: Scenario = {
  people: [{ username: "mira", name: "Mira Kaplan", messages: [{ text: "Hi" }] }],
  rooms: [
    {
      name: "Secret garden",
      topic: "Plot 14",
      role: "owner",
      members,
      waiting: [{ username: "otto", name: "Otto Lang" }],
      messages: [
        { kind: "line", line: "room", text: "Cleo Laurent joined with the room code.", ago: 9 },
        said("mira", "We get the corner plot.", { ago: 8 }),
        said("cleo", "@ana bring the drawings, @ben the seedlings", { ago: 7, mention: true }),
        said("layla", "مرحبا", { ago: 6 }),
        { text: "I do", mine: true, state: "sent", ago: 5 },
      ],
    },
    {
      name: "Book club",
      code: "BBBB-CCCC-DDDD-EEEE",
      members: members.slice(0, 2),
      row: { unread: 3, mentions: 1 },
      messages: [said("ben", "Not finished")],
    },
    {
      name: "Old choir",
      code: null,
      role: null,
      stopped: "left",
      row: { muted: true },
      messages: [{ kind: "line", line: "room", text: "Mira Kaplan removed you." }],
    },
  ],
  elsewhere: [
    { name: "Night readers", topic: "Thursdays", code: ANOTHER_CODE, members },
    { name: "Vestry", newcomers: "approve", code: "AAAA-BBBB-CCCC-DDDD", members },
  ],
};

export const dialog = (page: Page, name: string): Locator => page.getByRole("dialog", { name });
export const press = (page: Page, name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).last().click();
export const details = (page: Page): Locator =>
  page.getByRole("complementary", { name: "Details" });

export async function openDetails(page: Page): Promise<void> {
  await press(page, "Conversation details");
  await details(page).getByRole("button", { name: "Share invitation" }).waitFor();
}

export async function startDialog(page: Page, tab: string): Promise<void> {
  await page.getByRole("button", { name: "New conversation" }).first().click();
  await page.getByRole("tab", { name: tab }).click();
}

export const called = (chat: ChatPage): Promise<string[]> => chat.engine((e) => e.calls);
