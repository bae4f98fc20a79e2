/** A stranger writes to somebody, in two browsers over the real server: request, block, unblock, accept; and found by name. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, launchBrowser } from "../helpers/browser.ts";
import { complaintsOf } from "../helpers/chat_talk.ts";
import { hasState, openConversation, person, send, shows, signUp } from "./people.ts";
import { freePort, startServer } from "./server.ts";

const ana = person("ana");
const ben = person("ben");
const list = (page: Page) => page.getByRole("navigation", { name: "Conversations" });
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();

browserTest(
  "a stranger is found by name, waits as a request, is blocked and taken up",
  async () => {
    const data = await Deno.makeTempDir({ prefix: "snug-e2e-" });
    const port = freePort();
    const server = await startServer({ data, port, origin: `http://localhost:${port}` });
    const browser = await launchBrowser();
    const complaints: string[] = [];
    const open = async () => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
      context.on("weberror", (error) => complaints.push(String(error.error())));
      return await context.newPage();
    };
    const [anaPage, benPage] = [await open(), await open()];
    await signUp(anaPage, server, ana);
    await signUp(benPage, server, ben);

    await benPage.goto(`${server.origin}/people`);
    await complaintsOf(benPage, "the page of people");
    await press(benPage, "Let people find me");
    await benPage.getByText("It is on.").waitFor();
    await complaintsOf(benPage, "the page of people, found");
    await benPage.goto(`${server.origin}/chat`);

    await anaPage.goto(`${server.origin}/people`);
    await anaPage.getByRole("searchbox", { name: "Name" }).pressSequentially("ben", { delay: 10 });
    await anaPage.getByRole("list", { name: "People found" }).getByText("@ben").click();
    await anaPage.waitForURL(`${server.origin}/chat`);
    const dialog = anaPage.getByRole("dialog", { name: "New conversation" });
    const name = dialog.getByRole("textbox", { name: "Username" });
    await name.waitFor();
    assert.equal(await name.inputValue(), "ben", "whether to write is another press");
    await press(anaPage, "Start chat");
    await send(anaPage, "hello, we met at the lake");

    await benPage.getByRole("button", { name: "1 message request" }).waitFor();
    await list(benPage).getByText("Request", { exact: true }).waitFor();
    await openConversation(benPage, ana.fullName);
    await shows(benPage, "hello, we met at the lake");
    await complaintsOf(benPage, "a request");
    await press(benPage, "Block");
    await benPage.getByText("You’ve blocked").waitFor();
    await send(anaPage, "did you get this?");
    await hasState(anaPage, "did you get this?", ["sent"]);
    await benPage.reload();
    await benPage.getByText("You’ve blocked").waitFor();
    assert.equal(await list(benPage).getByText(ana.fullName).count(), 0);
    await press(benPage, "Unblock");
    await send(anaPage, "and this?");
    await shows(benPage, "and this?");
    assert.equal(await benPage.getByText("did you get this?").count(), 0);
    await hasState(anaPage, "hello, we met at the lake", ["sent"]);
    await press(benPage, "Accept");
    await hasState(anaPage, "and this?", ["delivered", "read"]);
    await hasState(anaPage, "hello, we met at the lake", ["sent"]);

    assert.deepEqual(complaints, []);
    await browser.close();
    assert.equal(await server.stop(), 0, server.log());
  },
);
