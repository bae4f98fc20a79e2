/** What the tests of the chat page share: a talk with every state in it, and how to find things by name. */
import assert from "node:assert/strict";
import axe, { type AxeResults } from "axe-core";
import type { Locator, Page } from "playwright-core";
import type { ChatPage, ChatPages } from "./chat_page.ts";
import type { Scenario } from "./fake_scenario.ts";

export const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

export const talk: Scenario = {
  people: [
    {
      username: "mira",
      name: "Mira Kaplan",
      verification: "verified",
      messages: [
        { text: "Who still has the drawings?", ago: 60 * 26 },
        { text: "I do.", mine: true, state: "read", ago: 60 * 25 },
        { kind: "line", line: "new-device", text: "Mira Kaplan has a new device.", ago: 40 },
        { text: "See https://example.org/plot", ago: 34 },
        { text: "שלום עולם", ago: 30 },
        { text: "On my way", mine: true, state: "sent", ago: 2 },
        {
          text: "Lost",
          mine: true,
          state: "not sent",
          reason: "Mira’s mailbox is full.",
          ago: 0,
        },
      ],
    },
    {
      username: "jonas",
      name: "Jonas Thal",
      unread: 2,
      messages: [{ text: "One" }, { text: "Two" }],
    },
    {
      username: "ben",
      name: "Ben Okafor",
      verification: "changed",
      messages: [{ text: "see you on Sunday" }],
    },
    {
      username: "cleo",
      name: "Cleo ".repeat(16).trim(),
      accepted: false,
      messages: [{ text: "Hi" }],
    },
    { username: "layla", name: "ليلى حسن", messages: [{ text: "مرحبا" }] },
  ],
};

export const list = (page: Page): Locator =>
  page.getByRole("navigation", { name: "Conversations" });
export const log = (page: Page): Locator => page.getByRole("log", { name: "Messages" });
export const field = (page: Page): Locator => page.getByRole("textbox", { name: "Message" });
export const article = (page: Page, text: string): Locator =>
  log(page).getByRole("article").filter({ hasText: text });
export const notice = (page: Page, text: string | RegExp): Locator =>
  page.locator(".notice").filter({ hasText: text });

export async function enter(page: Page, name: string): Promise<void> {
  await list(page).getByText(name).first().click();
  await page.getByRole("heading", { name }).waitFor();
}

export async function focused(page: Page): Promise<string> {
  return await page.evaluate(() => {
    const { activeElement: at } = document;
    return at?.getAttribute("aria-label") ?? at?.textContent?.trim() ?? "";
  });
}

/** One page, and nothing that it should not have done. */
export async function onPage(
  pages: ChatPages,
  scenario: Scenario,
  options: Parameters<ChatPages["open"]>[1],
  work: (chat: ChatPage) => Promise<void>,
): Promise<void> {
  const chat = await pages.open(scenario, options);
  await work(chat);
  assert.deepEqual(chat.errors, []);
  await chat.page.context().close();
}

/** The rules of axe that look at colours; of all others a theme changes nothing. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/** Nothing that axe finds, once what fades in or changes colour has come to rest. */
export async function complaintsOf(
  page: Page,
  state: string,
  rules: "all" | "colours" = "all",
): Promise<void> {
  const loaded = await page.evaluate(async () => {
    const finite = (each: Animation) => each.effect?.getComputedTiming().endTime !== Infinity;
    const moving = () => document.getAnimations().filter(finite);
    // One that is called off, by a new state or a row that goes, has come to rest too.
    while (moving().some(({ playState }) => playState === "running")) {
      await Promise.allSettled(moving().map(({ finished }) => finished));
    }
    return "axe" in globalThis;
  });
  if (!loaded) await page.evaluate(axe.source);
  const only = rules === "all" ? {} : { runOnly: { type: "rule", values: COLOURS } };
  const found = await page.evaluate(async (only) => {
    type Axe = { run(of: Document, options: object): Promise<AxeResults> };
    const scope = globalThis as unknown as { axe: Axe };
    const { violations } = await scope.axe.run(document, { ...only, resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  }, only);
  assert.deepEqual(found, [], state);
}

/** The same in both themes, on one page: everything by day, what colours are by night. */
export async function complaintsInBothThemes(page: Page, state: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await complaintsOf(
      page,
      `${state}, ${colorScheme}`,
      colorScheme === "light" ? "all" : "colours",
    );
  }
  await page.emulateMedia({ colorScheme: "light" });
}

export async function inView(page: Page, text: string): Promise<boolean> {
  return await article(page, text).evaluate((each) => {
    const { top, bottom } = each.getBoundingClientRect();
    const pane = document.querySelector("#messages")!.getBoundingClientRect();
    return top >= pane.top && bottom <= pane.bottom + 1;
  });
}
