/** Waiting that can be ended. */

/** Resolves after so many milliseconds, or when `stop` says so. */
export type Pause = (milliseconds: number, stop: AbortSignal) => Promise<void>;

/** The pause of the system's own clock. */
export function pauseFor(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    stop.addEventListener("abort", done);
    if (stop.aborted) done();
  });
}
