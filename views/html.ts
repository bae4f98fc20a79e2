/** What a view returns: escaped HTML, ready to be sent or put inside another view. */
import type { JSX } from "hono/jsx";

export type Html = JSX.Element;
