/** `/api/archive`: an account's sealed history. */
import type { Auth } from "../auth/mod.ts";
import type { DeviceLogin } from "../auth/logins.ts";
import {
  appendRequest,
  archiveAnswer,
  chainAnswer,
  chainRequest,
  headAnswer,
  nothing,
  readRequest,
  recentRequest,
  segmentsAnswer,
  switchRequest,
} from "../protocol/archive_api.ts";
import type { Schema } from "../protocol/codec.ts";
import { depositEntrySchema } from "../protocol/segment.ts";
import type { Outcome } from "../auth/outcome.ts";
import { answer, refuse } from "./answers.ts";
import { readCbor } from "./bodies.ts";
import type { App } from "./env.ts";
import { withDevice } from "./people.ts";

/** Adds the URLs of the archive. */
export function archiveRoutes(app: App, { auth }: { auth: Auth }): void {
  const { archives } = auth;

  app.get(
    "/api/archive",
    withDevice(auth, async (c, login) => answer(c, archiveAnswer, await archives.state(login))),
  );

  /** A body by its schema, and what is made of it. */
  function post<A, B>(
    path: string,
    [asked, answered]: readonly [Schema<A>, Schema<B>],
    work: (login: DeviceLogin, body: A) => Promise<Outcome<B>>,
  ): void {
    app.post(
      path,
      withDevice(auth, async (c, login) => {
        const body = await readCbor(c, asked);
        if (!body.ok) return refuse(c, body.refusal);
        const result = await work(login, body.value);
        return result.ok ? answer(c, answered, result.value) : refuse(c, result.refusal);
      }),
    );
  }

  post("/api/archive", [appendRequest, headAnswer], archives.append);
  post("/api/archive/recent", [recentRequest, segmentsAnswer], archives.recent);
  post("/api/archive/read", [readRequest, segmentsAnswer], archives.read);
  post("/api/archive/chain", [chainRequest, chainAnswer], archives.chain);
  post("/api/archive/deposit", [depositEntrySchema, nothing], async (login, entry) => {
    const taken = await archives.deposit(login, entry);
    return taken.ok ? { ok: true, value: {} } : taken;
  });
  post("/api/archive/switch", [switchRequest, nothing], async (login, wanted) => {
    await archives.set(login, wanted);
    return { ok: true, value: {} };
  });
}
