/** One conversation as one readable page: no script, nothing from elsewhere, every word of others as text. */
import type { Message } from "./types.ts";

export interface PageOf {
  /** Whom or what the conversation is with. */
  readonly title: string;
  /** What to call oneself and the others. */
  readonly nameOf: (message: Message) => string;
  readonly messages: readonly Message[];
  /** When it was made. Milliseconds since 1970. */
  readonly time: number;
}

/** The whole file, to be opened in any browser, today or in twenty years. */
export function conversationPage({ title, nameOf, messages, time }: PageOf): string {
  const rows = messages.map((message) => rowOf(message, nameOf(message)));
  const name = escaped(title);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${plain(title)}</title><style>${STYLE}</style></head>
<body><h1>${name}</h1>
<p>${messages.length} messages. Saved on ${
    moment(time)
  } (UTC). Not encrypted: keep it where others cannot read it.</p>
<ol>
${rows.join("\n")}
</ol></body></html>
`;
}

function rowOf({ kind, mine, text, time }: Message, name: string): string {
  const when = new Date(time);
  const stamp = `<time datetime="${when.toISOString()}">${moment(time)}</time>`;
  if (kind === "line") return `<li class="line">${stamp} ${escaped(text)}</li>`;
  const whose = mine ? "mine" : "theirs";
  return `<li class="${whose}"><b>${escaped(name)}</b> ${stamp}<p>${escaped(text)}</p></li>`;
}

/** Text where markup is read: in elements and in quoted attributes. Directions that turn a line round stay inside it. */
export function escaped(text: string): string {
  return `<bdi>${plain(text)}</bdi>`;
}

function plain(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd")
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function moment(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}

const STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;" +
  "padding:0 1rem;color:#1b1b1f;background:#fff}ol{list-style:none;padding:0}" +
  "li{margin:.75rem 0}li p{margin:.1rem 0;white-space:pre-wrap;overflow-wrap:anywhere}" +
  "time{color:#5f5f6b;font-size:.85rem}.mine b{color:#0b57d0}.line{color:#5f5f6b}";
