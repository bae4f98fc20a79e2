/** The version of this program, from the project file, so that it is written down once. */
import project from "./deno.json" with { type: "json" };

/** For example "0.1.0". */
export const VERSION: string = project.version;
