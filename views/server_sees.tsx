/** What the server has about somebody, row by row, and what it never has. */
import type { Html } from "./html.ts";
import { Layout, type PageProps } from "./layout.tsx";
import { KEPT_WORDS } from "./server_sees_words.ts";
import { BackTo } from "./settings.tsx";
import { Time } from "./time.tsx";

/** One table's rows about the reader. Times are milliseconds since 1970. */
export interface KeptRows {
  readonly table: string;
  readonly rows: number;
  readonly bytes: number;
  readonly first: number | null;
  readonly last: number | null;
}

export interface ServerSeesProps extends PageProps {
  readonly username: string;
  readonly fullName: string;
  readonly contact: string;
  readonly made: number;
  readonly kept: readonly KeptRows[];
}

export function ServerSeesPage(
  { assets, nonce, username, fullName, contact, made, kept }: ServerSeesProps,
): Html {
  return (
    <Layout title="What the server sees" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings" words="Settings" assets={assets} />
      <h1>What the server sees</h1>
      <p class="lead">
        Whoever has this server’s disk has what is listed here, and nothing else about you. While
        you are connected, whoever runs it can also watch from which address, when, and how much.
      </p>
      <section class="part" aria-labelledby="clear-title">
        <h2 id="clear-title">In clear</h2>
        <dl class="facts">
          <Fact name="Username" value={`@${username}`} />
          <Fact name="Full name" value={fullName} />
          <Fact name="Address" value={contact} />
          <div>
            <dt>Here since</dt>
            <dd>
              <Time at={made} />
            </dd>
          </div>
        </dl>
      </section>
      <section class="part" aria-labelledby="rows-title">
        <h2 id="rows-title">Stored about you</h2>
        <ul class="kept" role="list">
          {kept.map((rows) => <Kept key={rows.table} rows={rows} />)}
        </ul>
      </section>
      <Others />
    </Layout>
  );
}

function Fact({ name, value }: { name: string; value: string }): Html {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <bdi>{value}</bdi>
      </dd>
    </div>
  );
}

function Kept({ rows }: { rows: KeptRows }): Html {
  const { title, words, stays } = KEPT_WORDS[rows.table] ??
    { title: rows.table, words: "", stays: "" };
  const count = `${rows.rows} ${rows.rows === 1 ? "row" : "rows"}, ${size(rows.bytes)}`;
  return (
    <li>
      <h3>
        {title} <span class="amount">{rows.rows === 0 ? "nothing now" : count}</span>
      </h3>
      <p>{words}</p>
      <p class="soft">
        <Span first={rows.first} last={rows.last} />
        {stays}
      </p>
    </li>
  );
}

const DAY_MS = 86_400_000;

/** From when to when, as exactly as it is kept. */
function Span({ first, last }: Pick<KeptRows, "first" | "last">): Html | null {
  if (first === null || last === null) return null;
  const day = first % DAY_MS === 0 && last % DAY_MS === 0;
  if (first === last) {
    return (
      <>
        From <Time at={first} day={day} />.{" "}
      </>
    );
  }
  return (
    <>
      From <Time at={first} day={day} /> to <Time at={last} day={day} />.{" "}
    </>
  );
}

function Others(): Html {
  return (
    <section class="part" aria-labelledby="never-title">
      <h2 id="never-title">Besides</h2>
      <p>
        <strong>Filed under others:</strong>{" "}
        an envelope you send lies in the recipient’s queue, with your account, your device and the
        minute, until their devices have fetched it, 30 days at most.
      </p>
      <p>
        <strong>About nobody:</strong>{" "}
        counters against guessing. They are named by keyed hashes of addresses and usernames and go
        after 25 hours. Usernames of deleted accounts stay for 30 days, so that nobody takes them.
      </p>
      <p>
        <strong>Copies:</strong>{" "}
        backups hold the same rows for as long as whoever runs the server keeps them. Where no mail
        server is set up, letters to you lie as files in the server’s data folder.
      </p>
      <p>
        <strong>Never here:</strong>{" "}
        what you write, your password, your recovery key, the private keys of your devices, and your
        IP address. Your account key and whom you verified are here only inside the sealed vault.
      </p>
    </section>
  );
}

/** Bytes as people say them. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
