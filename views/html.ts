/** What a view returns: escaped HTML, ready to be sent or put inside another view. */
import type { HtmlEscapedString } from "hono/utils/html";

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;
