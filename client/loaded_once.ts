/** Code that comes when it is needed: once, and after a failure again for the next who asks. */
export function loadedOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () =>
    loading ??= load().catch((cause) => {
      loading = undefined;
      throw cause;
    });
}
