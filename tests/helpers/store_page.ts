/** Runs in a page: the behaviour suite of local stores, on IndexedDB, with keys that cannot leave the browser. */
import { cachedStore } from "../../client/store_cache.ts";
import { openIdbStore } from "../../client/store_idb.ts";
import { runStoreCases, storeCases } from "../client/store_suite.ts";

const casesOver = (open: typeof openIdbStore): Promise<string[]> =>
  runStoreCases(() => {
    const name = crypto.randomUUID();
    return Promise.resolve({ open: () => open(name), extractable: false });
  });

const runIdbCases = async (): Promise<string[]> => [
  ...await casesOver(openIdbStore),
  ...await casesOver(async (name) => cachedStore(await openIdbStore(name))),
];

Object.assign(globalThis, { runIdbCases, idbCases: 2 * storeCases.length });
