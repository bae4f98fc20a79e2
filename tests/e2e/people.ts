/** What a person does in the pages, by the names the pages give things. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { codeFor, type Server } from "./server.ts";

export interface Person {
  readonly username: string;
  readonly fullName: string;
  readonly contact: string;
  readonly password: string;
}

export function person(username: string): Person {
  return {
    username,
    fullName: `${username[0]!.toUpperCase()}${username.slice(1)} Canary`,
    contact: `${username}@example.org`,
    password: `lantern under the stairs ${username} 8`,
  };
}

/** Signs up and returns the recovery key that was shown; ends on the chat page. */
export async function signUp(page: Page, server: Server, who: Person): Promise<string> {
  await page.goto(`${server.origin}/sign-up`);
  await page.getByRole("textbox", { name: "Username" }).fill(who.username);
  await page.getByRole("textbox", { name: "Full name" }).fill(who.fullName);
  await page.getByRole("textbox", { name: "Email or phone" }).fill(who.contact);
  await page.getByLabel("Password", { exact: true }).fill(who.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("textbox", { name: "6-digit code" }).waitFor();
  const code = codeFor(server.options.data, who.contact);
  await page.getByRole("textbox", { name: "6-digit code" }).fill(code);
  // Twice, as many people do: a code is good once, and the second press must not spoil the first.
  await page.getByRole("button", { name: "Confirm" }).dblclick();
  await page.getByRole("checkbox", { name: "I have saved my recovery key" }).waitFor();
  const recoveryKey = await page.getByLabel("Recovery key", { exact: true }).textContent();
  assert.ok(recoveryKey && recoveryKey.trim().length > 30, "the recovery key is shown");
  await page.getByRole("checkbox", { name: "I have saved my recovery key" }).check();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL(`${server.origin}/chat`);
  await page.getByRole("navigation", { name: "Conversations" }).waitFor();
  return recoveryKey.trim();
}

export async function signIn(page: Page, server: Server, who: Person): Promise<void> {
  await page.goto(`${server.origin}/sign-in`);
  await page.getByRole("textbox", { name: "Username" }).fill(who.username);
  await page.getByLabel("Password", { exact: true }).fill(who.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${server.origin}/chat`);
  await page.getByRole("navigation", { name: "Conversations" }).waitFor();
}

export async function startChat(page: Page, username: string): Promise<void> {
  await page.getByRole("button", { name: "New conversation" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Username" }).fill(username);
  await dialog.getByRole("button", { name: "Start chat" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("textbox", { name: "Message" }).waitFor();
}

export async function openConversation(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation", { name: "Conversations" }).getByText(name).first().click();
  await page.getByRole("textbox", { name: "Message" }).waitFor();
}

export async function send(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** Waits until the open conversation shows exactly this text once. */
export async function shows(page: Page, text: string): Promise<void> {
  await articleWith(page, text).waitFor();
}

/** Waits until a message of mine has reached a state: "sent", "delivered", "read". */
export async function hasState(page: Page, text: string, states: string[]): Promise<void> {
  const pattern = new RegExp(`\\b(${states.join("|")})\\b`);
  await articleWith(page, text).filter({ hasText: pattern }).waitFor();
}

function articleWith(page: Page, text: string) {
  return page.getByRole("log", { name: "Messages" }).getByRole("article").filter({ hasText: text });
}

/** The canary texts of the open conversation in the order shown. */
export async function textsShown(page: Page, pattern: RegExp): Promise<string[]> {
  const articles = page.getByRole("log", { name: "Messages" }).getByRole("article");
  const texts = await articles.allTextContents();
  return texts.map((text) => pattern.exec(text)?.[0]).filter((text) => text !== undefined);
}
