/** What a terminal says when somebody wants to start the account over. */

/** @param due in milliseconds since 1970 @param how a command, as it is typed here */
export function resetWords(due: number, how: (command: string) => string): string {
  const when = new Date(due).toISOString().slice(0, 16).replace("T", " ");
  return "Somebody with your letter box wants to start your account over with new keys, from " +
    `${when} UTC on. Not you? ${how("stop-reset")} stops it. You, in a browser? ` +
    `${how("approve-reset")} with the code there ends the wait.`;
}
