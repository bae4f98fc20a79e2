/** Form fields with a name above and a sentence below. */
import type { Html } from "./html.ts";

/** What the sentence under a field says about what was typed. */
export interface HintProps {
  readonly field: string;
  readonly state: "quiet" | "ok" | "bad";
  readonly words: string;
}

/** Replaced by htmx while somebody types; `aria-live` so that it is also heard. */
export function Hint({ field, state, words }: HintProps): Html {
  return <p id={`${field}-hint`} class="hint" data-state={state} aria-live="polite">{words}</p>;
}

export interface FieldProps {
  readonly field: string;
  readonly label: string;
  readonly value?: string;
  readonly hint: Omit<HintProps, "field">;
  readonly autocomplete: string;
  readonly inputmode?: "text" | "email" | "numeric";
  readonly maxlength: number;
  readonly nonce: string;
  /** Where the field's content is judged as it is typed. */
  readonly check?: string;
}

export function Field(props: FieldProps): Html {
  const { field, label, value, hint, autocomplete, inputmode, maxlength, nonce, check } = props;
  const live = check
    ? {
      "hx-post": check,
      "hx-trigger": "input changed delay:350ms, change",
      "hx-target": `#${field}-hint`,
      "hx-swap": "outerHTML",
      "hx-sync": "this:replace",
      "hx-nonce": nonce,
    }
    : {};
  return (
    <div class="field">
      <label for={field}>{label}</label>
      <input
        id={field}
        name={field}
        type="text"
        value={value ?? ""}
        autocomplete={autocomplete}
        autocapitalize="none"
        spellcheck={false}
        maxlength={maxlength}
        aria-describedby={`${field}-hint`}
        aria-invalid={hint.state === "bad" ? "true" : undefined}
        dir="auto"
        required
        {...(inputmode ? { inputmode } : {})}
        {...live}
      />
      <Hint field={field} {...hint} />
    </div>
  );
}

export interface PasswordFieldProps {
  readonly autocomplete: "new-password" | "current-password";
  readonly words: string;
  readonly id?: string;
  readonly label?: string;
}

/** A password has no `name`: nothing can put it into a request. The page's script reads it. */
export function PasswordField(
  { autocomplete, words, id = "password", label = "Password" }: PasswordFieldProps,
): Html {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="with-button">
        <input
          id={id}
          type="password"
          autocomplete={autocomplete}
          maxlength={256}
          aria-describedby={`${id}-hint`}
          required
        />
        <button type="button" class="quiet" data-reveal={id} aria-pressed="false">
          Show
        </button>
      </div>
      <Hint field={id} state="quiet" words={words} />
    </div>
  );
}

/** One sentence about the whole form, said at once by screen readers. */
export function Problem({ words }: { words: string | undefined }): Html {
  return <p class="problem" role="alert" hidden={words === undefined}>{words ?? ""}</p>;
}
