/** The HTTP calls about the history archive (protocol/archive_api.ts). */
import {
  type AppendRequest,
  appendRequest,
  type ArchiveAnswer,
  archiveAnswer,
  type ChainAnswer,
  chainAnswer,
  type ChainRequest,
  chainRequest,
  type HeadAnswer,
  headAnswer,
  nothing,
  type ReadRequest,
  readRequest,
  type RecentRequest,
  recentRequest,
  type SegmentsAnswer,
  segmentsAnswer,
  type SwitchRequest,
  switchRequest,
} from "../protocol/archive_api.ts";
import { encode } from "../protocol/codec.ts";
import { type DepositEntry, depositEntrySchema } from "../protocol/segment.ts";
import type { Api, ApiResult } from "./transport.ts";

/** No call throws for anything the server or the network does. */
export interface ArchiveApi {
  state(): Promise<ApiResult<ArchiveAnswer>>;
  append(request: AppendRequest): Promise<ApiResult<HeadAnswer>>;
  recent(request: RecentRequest): Promise<ApiResult<SegmentsAnswer>>;
  read(request: ReadRequest): Promise<ApiResult<SegmentsAnswer>>;
  chain(request: ChainRequest): Promise<ApiResult<ChainAnswer>>;
  deposit(entry: DepositEntry): Promise<ApiResult<unknown>>;
  set(request: SwitchRequest): Promise<ApiResult<unknown>>;
}

export function archiveApi({ ask }: { readonly ask: Api["ask"] }): ArchiveApi {
  const path = (name: string) => `/api/archive/${name}`;
  return {
    state: () => ask("/api/archive", null, archiveAnswer),
    append: (request) => ask("/api/archive", encode(appendRequest, request), headAnswer),
    recent: (request) => ask(path("recent"), encode(recentRequest, request), segmentsAnswer),
    read: (request) => ask(path("read"), encode(readRequest, request), segmentsAnswer),
    chain: (request) => ask(path("chain"), encode(chainRequest, request), chainAnswer),
    deposit: (entry) => ask(path("deposit"), encode(depositEntrySchema, entry), nothing),
    set: (request) => ask(path("switch"), encode(switchRequest, request), nothing),
  };
}
