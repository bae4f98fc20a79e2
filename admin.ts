/** `snug admin`: runs the server from its own machine, on the live database or, without a server, on the file. */
import { readOrder } from "./admin_arguments.ts";
import { askServer, HAS_SOCKETS } from "./admin_socket.ts";
import { answerLines } from "./admin_tables.ts";
import { runOffline } from "./backend.ts";
import { readConfig } from "./config.ts";
import { inWords } from "./db/backup_error.ts";
import { DatabaseError } from "./db/migrate.ts";
import { createLog } from "./log.ts";
import type { Order, OrderAnswer } from "./routes/admin_orders.ts";
import type { CommandIo } from "./serve.ts";
import { SETTINGS } from "./settings.ts";

/** Runs one order; resolves to 0, or to 1 when it was refused or the log is not whole. */
export async function runAdmin(args: readonly string[], io: CommandIo): Promise<number> {
  const { data } = SETTINGS;
  const standard = io.env(data.env) || data.standard;
  const { dataDir, json, order } = readOrder(args, standard);
  const answered = await askServer(dataDir, order).catch((error) => {
    throw inWords(dataDir, error);
  });
  const answer = answered ?? await runHere(dataDir, order, io);
  if (json) io.print(JSON.stringify(answer));
  else if (answer.ok) { for (const line of answerLines(order, answer.value)) io.print(line); }
  if (!answer.ok && !json) io.writeLog(`snug: ${answer.message}`);
  return answer.ok && !isBroken(order, answer.value) ? 0 : 1;
}

/** A log that is not whole is a failure to whoever runs this from a timer. */
function isBroken(order: Order, value: unknown): boolean {
  return order.do === "verify" && !(value as { readonly whole: boolean }).whole;
}

async function runHere(dataDir: string, order: Order, io: CommandIo): Promise<OrderAnswer> {
  await demandDatabase(dataDir);
  const config = readConfig(["--data", dataDir], io.env);
  const log = createLog({ level: "warn", now: io.now, write: io.writeLog });
  try {
    return await runOffline(config, { now: io.now, print: io.writeLog, log }, order);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw inWords(dataDir, error);
    throw new Error(wordsOf(dataDir, error), { cause: error });
  }
}

/** An empty database where there was none would help nobody. */
async function demandDatabase(dataDir: string): Promise<void> {
  try {
    await Deno.stat(`${dataDir}/snug.db`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw inWords(dataDir, error);
    throw new Error(
      `${dataDir} holds no server's database. Name the server's folder: snug admin --data DIR …`,
    );
  }
}

function wordsOf(dataDir: string, error: DatabaseError): string {
  if (!/is running/.test(error.message)) return error.message;
  return HAS_SOCKETS
    ? `A server runs on ${dataDir}, but its admin socket is not there: its log says why at the start.`
    : "A server runs on that folder, and there are no local sockets on Windows: use its /admin page, " +
      "or stop it first.";
}
