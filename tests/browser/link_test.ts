/** Linking a device between two real browsers: the code, the digits, the password, by keyboard alone. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { openConversation, person, send, shows, signUp, startChat } from "../e2e/people.ts";
import { freePort, type Server, startServer } from "../e2e/server.ts";
import { browserTest, launchBrowser } from "../helpers/browser.ts";
import { cameraWith, dotsOf, dotsShown, filmOf } from "../helpers/film.ts";
import { inspect } from "../helpers/inspect.ts";

const [ana, ben] = [person("ana"), person("ben")];
const CODE = /[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}/;

async function withServer(
  work: (server: Server, page: () => Promise<Page>) => Promise<void>,
  flags: string[] = [],
): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "snug-link-" });
  const server = await startServer({ data, port: freePort() });
  const browser = await launchBrowser(flags);
  const complaints: string[] = [];
  const page = async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    context.on("weberror", (error) => complaints.push(String(error.error())));
    return await context.newPage();
  };
  try {
    await work(server, page);
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
    assert.equal(await server.stop(), 0, server.log());
    await Deno.remove(data, { recursive: true });
  }
}

/** Opens the page of a new device. Returns the code it shows. */
async function showCode(page: Page, { origin }: Server): Promise<string> {
  await page.goto(`${origin}/sign-in`);
  await page.getByRole("link", { name: "Use another device" }).click();
  await page.getByRole("img", { name: "QR code" }).waitFor();
  const code = await page.locator("#link-code").textContent();
  assert.match(code!, CODE);
  return code!;
}

const digitsOn = async (page: Page) => (await page.locator("#link-digits").textContent())!;

browserTest(
  "a new browser is linked by code, digits and password; it has the history",
  async () => {
    await withServer(async (server, page) => {
      const [old, friend, fresh] = [await page(), await page(), await page()];
      await signUp(old, server, ana);
      await signUp(friend, server, ben);
      await startChat(old, "ben");
      const archived = old.waitForResponse((answer) => {
        const { pathname } = new URL(answer.url());
        return pathname === "/api/archive" && answer.request().method() === "POST" && answer.ok();
      });
      await send(old, "said before the link");
      await openConversation(friend, ana.fullName);
      await shows(friend, "said before the link");
      await archived;
      const code = await showCode(fresh, server);
      await inspect(fresh, "link-waiting");

      await old.goto(`${server.origin}/settings/devices`);
      await old.getByRole("link", { name: "Link a device" }).press("Enter");
      const field = old.getByRole("textbox", { name: "Code on the new device" });
      await field.waitFor();
      await inspect(old, "link-enter");
      await field.fill("ABCD");
      await field.press("Enter");
      await old.getByText("That is no code.").waitFor();
      await field.fill(code.toLowerCase().replaceAll("-", " "));
      await field.press("Enter");
      const digits = old.getByRole("textbox", { name: "Digits on the new device" });
      await digits.waitFor();
      await fresh.getByText("@ana").waitFor();
      await fresh.getByRole("alert").getByText("If that is not your name").waitFor();
      await inspect(fresh, "link-digits");
      await inspect(old, "link-compare");
      const shown = await digitsOn(fresh);
      await digits.fill(shown === "000 000" ? "111 111" : "000 000");
      await digits.press("Enter");
      await old.getByText("Those are not the digits.").waitFor();
      await digits.fill(shown);
      await digits.press("Enter");
      const password = old.getByLabel("Password", { exact: true });
      await password.waitFor();
      await inspect(old, "link-approve");
      await password.fill("not the password");
      await password.press("Enter");
      await old.getByRole("alert").filter({ hasText: "not right" }).waitFor();
      await password.fill(ana.password);
      await password.press("Enter");
      await old.getByRole("heading", { name: "It is linked." }).waitFor();
      await inspect(old, "link-done");

      await fresh.waitForURL(`${server.origin}/chat`);
      await openConversation(fresh, ben.fullName);
      await shows(fresh, "said before the link");
      await send(fresh, "from the linked browser");
      await shows(friend, "from the linked browser");
      await old.goto(`${server.origin}/settings/devices`);
      await old.getByText("2 of 8.").waitFor();
    });
  },
);

browserTest(
  "attack: a link with somebody's code tells nobody who opened it; it goes on when pressed, and is in no history",
  async () => {
    await withServer(async (server, page) => {
      const [old, fresh] = [await page(), await page()];
      await signUp(old, server, ana);
      const code = await showCode(fresh, server);
      await old.goto(`${server.origin}/settings/link#${code}`);
      await old.getByText("It came with this page’s address.").waitFor();
      assert.equal(old.url(), `${server.origin}/settings/link`);
      await inspect(old, "link-from-address");
      await fresh.waitForResponse((answer) => answer.url().endsWith("/sign-in/link/wait"));
      assert.equal(await fresh.getByText("@ana").isVisible(), false, "nobody is told by a link");
      await old.keyboard.press("Enter");
      await old.getByRole("textbox", { name: "Digits on the new device" }).waitFor();
      await old.getByText(code).waitFor();
      for (let i = 0; i < 3; i++) {
        const digits = old.getByRole("textbox", { name: "Digits on the new device" });
        await digits.fill("12");
        await digits.press("Enter");
        const words = i < 2 ? "Those are not the digits." : "Somebody may be between them.";
        await old.getByText(words).waitFor();
      }
      await fresh.getByRole("button", { name: "New code" }).waitFor();
      await fresh.getByText("There is no such request").waitFor();
      await inspect(fresh, "link-over");
    });
  },
);

/** The dots of the QR code that a new device shows. */
async function dotsOn(page: Page) {
  const path = await page.locator("#link-qr path").getAttribute("d");
  const box = await page.locator("#link-qr svg").getAttribute("viewBox");
  return dotsShown(path!, Number(box!.split(" ")[2]));
}

browserTest(
  "the code is read by camera, or from a picture; other codes are told apart",
  async () => {
    const film = await filmOf(dotsOf("https://elsewhere.example/settings/link#nothing"));
    await withServer(async (server, page) => {
      const [old, fresh] = [await page(), await page()];
      await signUp(old, server, ana);
      await showCode(fresh, server);
      const picture = await fresh.locator("#link-qr").screenshot();
      const digits = old.getByRole("textbox", { name: "Digits on the new device" });
      const open = async () => {
        await old.goto(`${server.origin}/settings/link`);
        await old.getByRole("button", { name: "Scan the code" }).press("Enter");
      };
      await open();
      await old.getByText("not one of a device that waits").waitFor();
      await inspect(old, "link-scan");
      await old.getByLabel("Or choose a picture").setInputFiles({
        ...{ name: "code.png", mimeType: "image/png", buffer: Buffer.from(picture) },
      });
      await digits.waitFor();
      assert.equal(await old.locator("video").isVisible(), false);

      await fresh.reload();
      await fresh.getByRole("img", { name: "QR code" }).waitFor();
      await filmOf(await dotsOn(fresh), film);
      await open();
      await digits.waitFor();
      await fresh.getByText("@ana").waitFor();
      const answer = await old.request.get(`${server.origin}/settings/devices`);
      assert.match(answer.headers()["permissions-policy"]!, /camera=\(\)/);
    }, cameraWith(film));
    await Deno.remove(film);
  },
);
