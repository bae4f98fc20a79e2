/** What `snug admin` prints for people. What somebody else typed is printed without control characters. */
import type { Order } from "./routes/admin_orders.ts";

type Fields = Readonly<Record<string, unknown>>;

/** An order's answer as lines. */
export function answerLines(order: Order, value: unknown): string[] {
  const fields = value as Fields;
  switch (order.do) {
    case "users":
      return userLines(fields);
    case "user":
      return oneUser(fields);
    case "act":
    case "settle":
    case "revoke-invite":
    case "set-limit":
      return ["Done. It is in the log."];
    case "registration":
    case "second-factor":
      return switchLines(fields);
    case "limits":
      return limitLines(value as readonly Fields[]);
    case "invites":
      return inviteLines(fields);
    case "invite":
      return [String(fields["link"]), `Good until ${moment(fields["expires"])}.`];
    case "reports":
      return reportLines(value as readonly Fields[]);
    case "audit":
      return actLines(value as readonly Fields[]);
    case "verify":
      return verdictLines(fields);
    case "health":
      return healthLines(fields);
  }
}

function userLines(page: Fields): string[] {
  const users = page["users"] as readonly Fields[];
  if (users.length === 0) return ["Nobody found."];
  const rows = users.map((user) => [
    plain(user["username"]),
    plain(user["fullName"]),
    plain(user["contact"]),
    moment(user["seen"]),
    marks(user),
  ]);
  const more = page["next"] === null ? [] : [`More: --after ${plain(page["next"])}`];
  return [...table(["USERNAME", "NAME", "ADDRESS", "LAST SEEN", ""], rows), ...more];
}

function marks(user: Fields): string {
  const admin = user["admin"] === 1 ? ["admin"] : [];
  const off = user["disabled"] === null ? [] : ["off"];
  return [...admin, ...off].join(", ");
}

function oneUser(details: Fields): string[] {
  const user = details["user"] as Fields;
  const logins = details["logins"] as readonly Fields[];
  return facts([
    ["username", plain(user["username"])],
    ["name", plain(user["fullName"])],
    ["address", plain(user["contact"])],
    ["here since", moment(user["made"])],
    ["last seen", moment(user["seen"])],
    ["is", marks(user) || "a member"],
    ["second factor", details["secondFactor"] === true ? "on" : "off"],
    ["devices", `${user["devices"]}, ${logins.length} signed in`],
    ["waiting", `${user["waiting"]} envelopes`],
  ]);
}

function switchLines(switches: Fields): string[] {
  const fixed = switches["registrationFixed"] === true ? " (given at the start)" : "";
  return facts([
    ["registration", `${switches["registration"]}${fixed}`],
    ["second factor", switches["secondFactorRequired"] === true ? "required" : "optional"],
  ]);
}

function limitLines(limits: readonly Fields[]): string[] {
  const rows = limits.map((limit) => [
    plain(limit["name"]),
    String(limit["value"]),
    String(limit["from"]),
    limit["live"] === true ? "yes" : "at the start",
    `${limit["unit"]} ${limit["words"]}`,
  ]);
  return table(["NAME", "VALUE", "FROM", "CHANGEABLE", ""], rows);
}

function inviteLines(list: Fields): string[] {
  const invites = list["invites"] as readonly Fields[];
  if (invites.length === 0) return ["No invitations."];
  const rows = invites.map((invite) => [
    plain(invite["id"]),
    plain(invite["makerName"]),
    `${invite["used"]} of ${invite["uses"]}`,
    moment(invite["expires"]),
    plain(invite["state"]),
  ]);
  return table(["ID", "BY", "USED", "UNTIL", ""], rows);
}

function reportLines(reports: readonly Fields[]): string[] {
  if (reports.length === 0) return ["Nothing was reported."];
  return reports.flatMap((report) => {
    const state = report["settled"] === null ? "open" : `settled ${moment(report["settled"])}`;
    const by = report["reporterName"] === null
      ? "somebody who is gone"
      : plain(report["reporterName"]);
    const messages = report["messages"] as readonly Fields[];
    return [
      `${plain(report["id"])}  ${moment(report["made"])}  ${by} about ${
        plain(report["reportedName"])
      }  ${state}`,
      `    ${plain(report["words"])}`,
      ...(messages.length === 0 ? [] : ["    Unproven, as the reporter shows them:"]),
      ...messages.map((message) => {
        const who = message["own"] === true ? by : plain(report["reportedName"]);
        return `    ${moment(message["time"])}  ${who}: ${plain(message["text"])}`;
      }),
    ];
  });
}

function actLines(acts: readonly Fields[]): string[] {
  if (acts.length === 0) return ["Nothing was done yet."];
  const rows = acts.map((act) => [
    String(act["seq"]),
    moment(act["at"]),
    plain(act["actorName"]),
    plain(act["act"]),
    [plain(act["subjectName"]), plain(act["detail"])].filter(Boolean).join(" "),
    String(act["hash"]).slice(0, 12),
  ]);
  return table(["NO", "WHEN", "WHO", "DID", "", "HASH"], rows);
}

function verdictLines(verdict: Fields): string[] {
  return verdict["whole"] === true
    ? [
      `Whole: ${verdict["acts"]} acts, each tied to the one before.`,
      `Note this elsewhere, for --head: ${verdict["head"]}`,
    ]
    : [`NOT WHOLE: act ${verdict["seq"]} is missing or not what it was.`];
}

function healthLines(health: Fields): string[] {
  const queue = health["queue"] as Fields;
  return facts([
    ["version", plain(health["version"])],
    ["runs since", health["started"] === null ? "no server runs" : moment(health["started"])],
    ["accounts", `${health["accounts"]}, ${health["admins"]} of them admins`],
    ["open reports", String(health["openReports"])],
    ["sockets", String(health["sockets"])],
    ["waiting", `${queue["envelopes"]} envelopes, ${queue["bytes"]} bytes`],
    ["oldest", moment(queue["oldest"])],
    ["database", `${health["databaseBytes"]} bytes`],
    ["disk left", health["freeBytes"] === null ? "not known" : `${health["freeBytes"]} bytes`],
    ["memory", `${health["memoryBytes"]} bytes`],
    ["last backup", health["backup"] === null ? "none known" : moment(health["backup"])],
  ]);
}

function facts(rows: readonly (readonly [string, string])[]): string[] {
  return rows.map(([name, words]) => `${name.padEnd(15)}${words}`);
}

/** Columns as wide as their widest cell; the last one is not padded. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => [...(row[at] ?? "")].length))
  );
  const line = (row: readonly string[]) =>
    row.map((cell, at) => cell + " ".repeat(Math.max(0, widths[at]! - [...cell].length))).join("  ")
      .trimEnd();
  return [head, ...rows].map(line);
}

/** Milliseconds since 1970 as a person reads them, in UTC; nothing for null. */
function moment(at: unknown): string {
  return typeof at === "number"
    ? `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`
    : "-";
}

/** No escape codes, no line breaks, nothing that turns the direction round (W4). */
function plain(value: unknown): string {
  return String(value ?? "").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}
