/** What `snug --help` and `snug serve --help` print, made from the tables the program runs on. */
import { limitNames, LIMITS, limitVariable } from "./limits.ts";
import { settingNames, SETTINGS } from "./settings.ts";

const INDENT = " ".repeat(6);

/** Every flag with its environment variable and default, then every limit. */
export function serveHelp(): string {
  const flags = settingNames().map((name) => {
    const { flag, env, takes, standard, words } = SETTINGS[name];
    return `  --${flag} ${takes}\n${INDENT}${words}\n${INDENT}${env}; default: ${standard}`;
  });
  const limits = limitNames().map((name) => {
    const { value, unit, words } = LIMITS[name];
    return `  ${limitVariable(name)}=${value}\n${INDENT}${unit} ${words}`;
  });
  return [
    "snug serve [FLAGS]: run the server.",
    "",
    ...flags,
    "",
    "Limits, each an environment variable with its default:",
    "",
    ...limits,
  ].join("\n");
}

/** One line a command. */
export function usage(commands: Readonly<Record<string, { readonly words: string }>>): string {
  const rows = Object.entries(commands).map(([name, { words }]) => `  ${name.padEnd(10)}${words}`);
  return [
    "Snug: private chat you run yourself.",
    "",
    "  snug COMMAND [FLAGS]",
    "",
    ...rows,
    "",
    "snug COMMAND --help explains every flag and its environment variable.",
  ].join("\n");
}
