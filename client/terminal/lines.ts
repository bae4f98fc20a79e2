/** Bytes from standard input, cut into lines. A line that never ends is cut off, not gathered for ever. */
const MOST_LINE_BYTES = 256 * 1024;

/** The lines of `input`; the last one also without its line end. */
export async function* linesOf(input: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of input) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) yield part.replace(/\r$/, "");
    if (rest.length <= MOST_LINE_BYTES) continue;
    yield rest;
    rest = "";
  }
  if (rest !== "") yield rest;
}
