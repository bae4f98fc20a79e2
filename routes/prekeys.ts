/** `/api/prekeys`: what the server has of the asking device's own prekeys, and more of them. */
import type { Auth } from "../auth/mod.ts";
import { prekeyStockAnswer, prekeyUploadSchema } from "../protocol/api.ts";
import { answer, refuse } from "./answers.ts";
import { readCbor } from "./bodies.ts";
import type { App } from "./env.ts";
import { withDevice } from "./people.ts";

/** Adds the URLs of prekeys. */
export function prekeyRoutes(app: App, { auth }: { auth: Auth }): void {
  const { people } = auth;

  app.get(
    "/api/prekeys",
    withDevice(auth, async (c, login) => answer(c, prekeyStockAnswer, await people.stock(login))),
  );

  app.post(
    "/api/prekeys",
    withDevice(auth, async (c, login) => {
      const body = await readCbor(c, prekeyUploadSchema);
      if (!body.ok) return refuse(c, body.refusal);
      const stock = await people.upload(login, body.value);
      return stock.ok ? answer(c, prekeyStockAnswer, stock.value) : refuse(c, stock.refusal);
    }),
  );
}
