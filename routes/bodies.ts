/** Reading what a request brings. Everything is checked against a schema; unknown fields are refused. */
import type { Context } from "hono";
import { type GenericSchema, type InferOutput, safeParse } from "valibot";
import { done, type Outcome, refused } from "../auth/outcome.ts";
import { CBOR_TYPE } from "../protocol/api.ts";
import { decode, type Schema } from "../protocol/codec.ts";
import { FormatError } from "../protocol/errors.ts";
import type { AppEnv } from "./env.ts";
import { HttpError } from "./errors.ts";

const FORM_TYPE = "application/x-www-form-urlencoded";
/** Our longest form has four fields. */
const MAX_FIELDS = 8;
const MAX_FORM_CHARACTERS = 8_192;

/** A CBOR body by its schema. */
export async function readCbor<T>(c: Context<AppEnv>, schema: Schema<T>): Promise<Outcome<T>> {
  demandType(c, CBOR_TYPE);
  const body = new Uint8Array(await c.req.arrayBuffer());
  try {
    return done(decode(schema, body));
  } catch (error) {
    if (error instanceof FormatError) return refused("bad-input");
    throw error;
  }
}

/** A form by its schema. A field that is there twice is refused: readers disagree on which one counts. */
export async function readForm<S extends GenericSchema>(
  c: Context<AppEnv>,
  schema: S,
): Promise<Outcome<InferOutput<S>>> {
  demandType(c, FORM_TYPE);
  const text = await c.req.text();
  if (text.length > MAX_FORM_CHARACTERS) return refused("bad-input");
  const fields = [...new URLSearchParams(text)];
  const names = new Set(fields.map(([name]) => name));
  if (names.size !== fields.length || fields.length > MAX_FIELDS) return refused("bad-input");
  const parsed = safeParse(schema, Object.fromEntries(fields));
  return parsed.success ? done(parsed.output) : refused("bad-input");
}

function demandType(c: Context<AppEnv>, type: string): void {
  const sent = (c.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (sent !== type) throw new HttpError("wrong-type");
}
