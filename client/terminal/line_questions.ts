/** The questions of `snug chat` for people. */

/** What the next line answers, when it is no message. */
export type Question =
  | { readonly kind: "code" }
  | {
    readonly kind: "new-password";
    readonly form: { username: string; contact: string; fullName: string };
  }
  | { readonly kind: "password"; readonly username: string }
  | { readonly kind: "yes"; readonly go: () => Promise<void> }
  | {
    readonly kind: "line";
    readonly take: (line: string) => Promise<void>;
    readonly hidden: boolean;
  };

/** A password, which is hidden as it is typed. */
export function isSecret(question: Question | null): boolean {
  if (question?.kind === "line") return question.hidden;
  return question?.kind === "password" || question?.kind === "new-password";
}
