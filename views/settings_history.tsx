/** The history archive: what it is, its switch, and erasing it. Works without scripts. */
import type { Html } from "./html.ts";
import { Layout, type PageProps } from "./layout.tsx";
import { BackTo } from "./settings.tsx";

export interface HistoryProps extends PageProps {
  readonly on: boolean;
  /** Bytes kept, and how many may be. */
  readonly bytes: number;
  readonly most: number;
  /** What was just done. */
  readonly notice?: string;
}

const MIB = 1_048_576;

export function HistoryPage({ assets, nonce, on, bytes, most, notice }: HistoryProps): Html {
  return (
    <Layout title="History" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings" words="Settings" assets={assets} />
      <h1>History</h1>
      <p class="lead">
        A sealed copy of your conversations, so that your next browser has them after you sign in.
        This server cannot read it.
      </p>
      {notice ? <p class="notice" role="status">{notice}</p> : null}
      <section class="part" aria-labelledby="switch-title">
        <h2 id="switch-title">{on ? "It is on" : "It is off"}</h2>
        <p>{sizeWords(bytes, most)}</p>
        <Order
          what={on ? "off" : "on"}
          words={on ? "Switch it off" : "Switch it on"}
        />
        <p class="hint">
          Messages in it can be opened for as long as your account lives. Who needs messages to be
          gone once they are read keeps it off.
        </p>
      </section>
      <section class="part" aria-labelledby="copies-title">
        <h2 id="copies-title">Copies of your own</h2>
        <p>
          Save everything in one sealed file, read a conversation as a page, or bring a file in.
          That is done where your messages are: in the chat.
        </p>
        <p>
          <a class="button quiet boxed" href="/chat#history">Your history</a>
        </p>
      </section>
      {bytes > 0
        ? (
          <section class="part" aria-labelledby="erase-title">
            <h2 id="erase-title">Erase it</h2>
            <p>
              It goes from this server at once and for good. Your devices keep what they have; a new
              one begins empty.
            </p>
            <Order what="erase" words="Erase the archive" />
          </section>
        )
        : null}
    </Layout>
  );
}

function Order({ what, words }: { what: "on" | "off" | "erase"; words: string }): Html {
  return (
    <form method="post" action="/settings/history">
      <input type="hidden" name="do" value={what} />
      <button type="submit" class="quiet boxed">{words}</button>
    </form>
  );
}

function sizeWords(bytes: number, most: number): string {
  const used = bytes === 0
    ? "It is empty"
    : `It takes up ${Math.max(0.1, bytes / MIB).toFixed(1)} MiB`;
  return `${used}, of ${Math.round(most / MIB)} MiB.`;
}
