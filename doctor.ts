/** `snug doctor`: looks at everything the server needs and says what is wrong, with the cure. */
import { ConfigError, readConfig } from "./config.ts";
import { checkData, type Finding } from "./doctor_data.ts";
import { checkMachine } from "./doctor_machine.ts";
import { checkNetwork, isMailAddress } from "./doctor_network.ts";
import type { CommandIo } from "./serve.ts";
import { VERSION } from "./version.ts";

/** Looks at everything; resolves to 0, or to 1 when something has failed. */
export async function runDoctor(args: readonly string[], io: CommandIo): Promise<number> {
  const { json, mailTo, rest } = readArguments(args);
  const config = readConfig(rest, io.env, "doctor");
  const { findings: data, facts } = await checkData(config.dataDir);
  const findings = [
    ...data,
    ...await checkMachine(config, facts, io.now()),
    ...await checkNetwork(config, mailTo, VERSION),
  ];
  const failed = findings.some(({ state }) => state === "fail");
  if (json) io.print(JSON.stringify({ ok: !failed, version: VERSION, findings }));
  else for (const finding of findings) for (const line of linesOf(finding)) io.print(line);
  return failed ? 1 : 0;
}

const CURE_INDENT = " ".repeat(19);

function linesOf({ check, state, words, cure }: Finding): string[] {
  const line = `${state.padEnd(4)}  ${check.padEnd(13)}${words}`;
  return cure === "" ? [line] : [line, CURE_INDENT + cure];
}

/** Takes doctor's own flags out; the others are the server's. */
function readArguments(args: readonly string[]) {
  const rest: string[] = [];
  let [json, mailTo] = [false, ""];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--json") json = true;
    else if (arg === "--mail-to") mailTo = args[++i] ?? "none";
    else if (arg.startsWith("--mail-to=")) mailTo = arg.slice("--mail-to=".length);
    else rest.push(arg);
    if (arg.startsWith("--mail-to") && !isMailAddress(mailTo)) {
      throw new ConfigError("--mail-to: expected an address such as you@example.org.");
    }
  }
  return { json, mailTo, rest };
}
