/** Runs in a page: the behaviour suite of local stores, on IndexedDB, with keys that cannot leave the browser. */
import { openIdbStore } from "../../client/store_idb.ts";
import { runStoreCases, storeCases } from "../client/store_suite.ts";

const runIdbCases = (): Promise<string[]> =>
  runStoreCases(() => {
    const name = crypto.randomUUID();
    return Promise.resolve({ open: () => openIdbStore(name), extractable: false });
  });

Object.assign(globalThis, { runIdbCases, idbCases: storeCases.length });
