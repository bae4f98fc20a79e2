/** What a person sees when an address leads nowhere or something broke: words, and a way on. */
import { html } from "hono/html";
import { Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Layout, type PageProps } from "./layout.tsx";

export interface ProblemPageProps extends PageProps {
  readonly words: string;
  /** True when htmx asked: then it is a part of the page that is open. */
  readonly part: boolean;
}

export function ProblemPage({ words, part, ...page }: ProblemPageProps): Html {
  if (part) return <Problem words={words} />;
  return html`<!DOCTYPE html>${(
    <Layout title="Not here" {...page}>
      <h1>{words}</h1>
      <p class="account-other">
        <a href="/">Back to Snug</a>
      </p>
    </Layout>
  )}`;
}
