/** The admin area: its frame and first page, and what its pages share. */
import type { Child } from "hono/jsx";
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps } from "./layout.tsx";
import { BackTo, LinkRow } from "./settings.tsx";

export interface AdminProps extends PageProps {
  /** What was just done. */
  readonly notice?: string;
}

export interface AdminHomeProps extends AdminProps {
  readonly accounts: number;
  readonly openReports: number;
  readonly registration: "open" | "invite" | "closed";
}

/** The frame of every page but the first. */
export function AdminFrame(
  { assets, nonce, title, notice, back, children }: AdminProps & {
    title: string;
    /** Where the page hangs, when that is not the first one. */
    back?: { readonly href: string; readonly words: string };
    children: Child;
  },
): Html {
  const { href, words } = back ?? { href: "/admin", words: "Admin" };
  return (
    <Layout title={`${title} · Admin`} assets={assets} nonce={nonce} wide>
      <BackTo href={href} words={words} assets={assets} />
      <h1>{title}</h1>
      <Notice words={notice} />
      {children}
    </Layout>
  );
}

/** What was just done, said once. */
export function Notice({ words }: { words: string | undefined }): Html | null {
  return words === undefined ? null : <p class="notice" role="status">{words}</p>;
}

const WHO_COMES = {
  open: "Everybody may make an account.",
  invite: "Who has an invitation may make an account.",
  closed: "Nobody may make an account.",
} as const;

/** How many of something, in words. */
export function counted(count: number, one: string, many: string): string {
  return `${count.toLocaleString("en-GB")} ${count === 1 ? one : many}`;
}

export function AdminHome(props: AdminHomeProps): Html {
  const { assets, nonce, notice, accounts, openReports, registration } = props;
  const reports = openReports === 0
    ? "Nothing waits for you."
    : `${counted(openReports, "report waits", "reports wait")} for you.`;
  const rows = [
    ["users", "/admin/users", "People", `${counted(accounts, "account", "accounts")}.`],
    ["bell", "/admin/reports", "Reports", reports],
    ["user-plus", "/invites", "Invitations", "Links that let people in."],
    ["door-open", "/admin/sign-ups", "Sign-ups and second factors", WHO_COMES[registration]],
    ["settings", "/admin/limits", "Limits", "How much and how often."],
    ["check-check", "/admin/health", "Health", "What waits, how large, how full."],
    ["archive", "/admin/log", "Log", "What admins did. Nobody can change it unseen."],
    ["eye", "/admin/what-admins-see", "What admins see", "And what they never can."],
  ] as const;
  return (
    <Layout title="Admin" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings" words="Settings" assets={assets} />
      <h1>Admin</h1>
      <p class="lead">You run this server. What you do here is written down.</p>
      <Notice words={notice} />
      <nav class="part" aria-label="Admin">
        {rows.map(([icon, href, title, words]) => (
          <LinkRow key={href} assets={assets} icon={icon} href={href} title={title} words={words} />
        ))}
      </nav>
    </Layout>
  );
}

/** A sentence with an icon before it. */
export function Note({ assets, children }: Pick<PageProps, "assets"> & { children: Child }): Html {
  return (
    <p class="account-note">
      <Icon assets={assets} name="info" />
      <span>{children}</span>
    </p>
  );
}
