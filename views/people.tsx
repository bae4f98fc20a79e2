/** People of this server who let themselves be found, and whether one is among them. */
import { Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps } from "./layout.tsx";
import { BackTo } from "./settings.tsx";

export interface PeopleProps extends PageProps {
  /** What was looked for. */
  readonly words: string;
  readonly people: readonly { readonly username: string; readonly fullName: string }[];
  /** Whether the reader can be found. */
  readonly listed: boolean;
  readonly problem?: string;
}

export function PeoplePage(props: PeopleProps): Html {
  const { assets, nonce, words, listed } = props;
  return (
    <Layout title="People" assets={assets} nonce={nonce} wide>
      <BackTo href="/chat" words="Chat" assets={assets} />
      <h1>People</h1>
      <p class="lead">
        People on this server who want to be found. Everybody else is reached by their username, for
        which you have to ask them.
      </p>
      <form method="post" action="/people" role="search">
        <div class="field">
          <label for="words">Name</label>
          <input
            id="words"
            name="words"
            type="search"
            value={words}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            maxlength={64}
            dir="auto"
            hx-post="/people"
            hx-trigger="input changed delay:250ms, search"
            hx-target="#found"
            hx-swap="outerHTML"
            hx-sync="this:replace"
            hx-nonce={nonce}
          />
        </div>
        <button type="submit" class="quiet boxed">Search</button>
      </form>
      <FoundPeople {...props} />
      <section class="part" aria-labelledby="listed-title">
        <h2 id="listed-title">Let people on this server find me by name</h2>
        <p>
          {listed
            ? "It is on. Whoever is signed in here can find you by your username and full name."
            : "It is off. Nobody finds you here; who knows your username can write to you."}
        </p>
        <form method="post" action="/people/listed">
          <input type="hidden" name="listed" value={listed ? "no" : "yes"} />
          <button type="submit" class="quiet boxed">
            {listed ? "Don’t let people find me" : "Let people find me"}
          </button>
        </form>
      </section>
    </Layout>
  );
}

/** Replaced by itself while somebody types. */
export function FoundPeople({ assets, words, people, problem }: PeopleProps): Html {
  return (
    <div id="found" aria-live="polite">
      <Problem words={problem} />
      {people.length === 0
        ? <p class="hint">{problem ? "" : nobodyWords(words)}</p>
        : (
          <ul class="rows" role="list" aria-label="People found">
            {people.map(({ username, fullName }) => (
              <li key={username}>
                <a class="row-line row-link" href={`/chat#@${username}`}>
                  <Icon assets={assets} name="user" />
                  <span class="row-words">
                    <strong>
                      <bdi>{fullName}</bdi>
                    </strong>
                    <span>@{username}</span>
                  </span>
                  <Icon assets={assets} name="message-circle" />
                </a>
              </li>
            ))}
          </ul>
        )}
    </div>
  );
}

function nobodyWords(words: string): string {
  return words.trim() === ""
    ? "Nobody has asked to be found yet."
    : "Nobody by that name has asked to be found. If you know their username, you can write to them.";
}
