/** What `snug admin --help` prints, from the table that the command is read by. */
import { ADMIN_WORDS } from "./admin_arguments.ts";
import { SETTINGS } from "./settings.ts";

const INDENT = " ".repeat(6);

/** Every word with what it takes. */
export function adminHelp(): string {
  const { flag, takes, words, env, standard } = SETTINGS.data;
  const lines = Object.entries(ADMIN_WORDS).map(([name, word]) =>
    `  ${`${name} ${word.takes}`.trimEnd()}\n${INDENT}${word.words}`
  );
  return [
    "snug admin WORD [FLAGS]: run the server from its own machine, as the user who runs it.",
    "",
    "While the server runs, orders go to it through DATA/admin.sock, which only that user can open",
    "(on Windows there is no such socket: use the page /admin). Without a server they are done on the",
    "database itself. Every act is in the log.",
    "",
    ...lines,
    "",
    `  --${flag} ${takes}\n${INDENT}${words}\n${INDENT}${env}; default: ${standard}`,
    `  --json\n${INDENT}one JSON object instead of lines: {"ok":true,"value":…} or {"ok":false,"code","message"}`,
    "",
    "Exit status 1 when it was refused, or when audit --verify finds that the log is not whole.",
  ].join("\n");
}
