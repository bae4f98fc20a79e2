/** The entry of the sign-up and sign-in pages: wires their steps to the worker, the store and the server. */
import { confirmSignIn, finishSignUp, type FlowParts, signIn } from "../account_flow.ts";
import { setPasswordByPasskey } from "../passkey_password.ts";
import {
  addPasskey,
  askAnyPasskey,
  askSecondPasskey,
  confirmByPasskey,
  enterByPasskey,
  enterByPassword,
  enterByRecoveryKey,
  proveByPasskey,
  proveByPassword,
  removePasskey,
  removePassword,
} from "../passkeys.ts";
import { deleteAccount } from "../account_deletion.ts";
import { changePassword } from "../password_change.ts";
import { type SeenAccount, seenByOthers } from "../seen_devices.ts";
import { removeOwnDevice } from "../settings_devices.ts";
import { takeLinkCode } from "../link_approving.ts";
import { waitForLink } from "../link_waiting.ts";
import type { PasswordClient } from "../password_client.ts";
import { recoverAccount, startOver } from "../recovery_flow.ts";
import { openIdbStore } from "../store_idb.ts";
import { createApi } from "../account_transport.ts";
import { fetchSend } from "../transport.ts";
import { done, type Outcome, refused } from "../types.ts";
import { runChangePassword } from "./account/change_password.ts";
import { runDeleteAccount } from "./account/delete_account.ts";
import { runForgot } from "./account/forgot.ts";
import { lazyKnownPasswords } from "./account/new_password.ts";
import { need, problem } from "./account/page.ts";
import { runRemoveDevice } from "./account/devices.ts";
import { askForRoom } from "./account/make_room.ts";
import { type ApproveLink, runApproveLink, runWaitForLink } from "./account/link.ts";
import { runOthersSee } from "./account/others_see.ts";
import { browserAuthenticator, knowsPasskeys } from "./account/passkey_browser.ts";
import { offerPasskey, type VaultDoor } from "./account/passkey_sign_in.ts";
import { type PasskeySettings, runPasskeys, runRemovePasskey } from "./account/passkeys.ts";
import { runSignIn, type SignInStep } from "./account/sign_in.ts";
import { runSignUp } from "./account/sign_up.ts";
import { missing, SUPPORTED } from "./capability.ts";
import { now } from "./entry/clock.ts";
import { loadQrReader } from "./later.ts";
import { askWorker, type PasswordWorker } from "./opaque_client.ts";
import { trustedScript } from "./trusted_types.ts";

type Progress = (words: string) => void;

const api = createApi({
  origin: location.origin,
  send: fetchSend(location.origin),
  terminal: false,
});

const passkeyParts = { api, authenticator: browserAuthenticator(location.hostname) };

/** The worker, told by the words what it is busy with. */
function passwordClient(url: string): (progress: Progress) => PasswordClient {
  const worker = new Worker(trustedScript(url), { type: "module" });
  const client = askWorker(worker as unknown as PasswordWorker);
  return (progress) => ({
    ...client,
    finishRegistration: async (...args) => {
      progress("Stretching your password. This takes a moment, and longer for those who guess.");
      const finished = await client.finishRegistration(...args);
      progress("Making your keys and sealing your vault.");
      return finished;
    },
    finishLogin: async (...args) => {
      progress("Stretching your password. This takes a moment, and longer for those who guess.");
      const finished = await client.finishLogin(...args);
      progress("Opening your vault.");
      return finished;
    },
  });
}

/**
 * Runs `work` as the one writer of this browser's store. A chat that is open in another tab is that writer: then nothing
 * is done, and the words say what to do.
 */
function asOnlyWriter<T>(
  password: PasswordClient,
  work: (parts: FlowParts) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  return navigator.locks.request("snug-writer", { ifAvailable: true }, async (lock) => {
    if (!lock) {
      return refused("not-available", "Snug is open in another tab. Close that tab, then go on.");
    }
    const store = await openIdbStore("snug");
    try {
      const place = { kind: "browser", mode: "sealed", now, makeRoom: askForRoom } as const;
      return await work({ api, store, password, ...place });
    } finally {
      await store.close();
    }
  });
}

/** The password; then, where the account has one, its second factor. The store is held for neither wait. */
async function signInHere(
  password: PasswordClient,
  form: { readonly username: string; readonly password: string },
): Promise<Outcome<SignInStep>> {
  const first = await asOnlyWriter(password, (parts) => signIn(parts, form));
  if (!first.ok) return first;
  if (!("codeNeeded" in first.value)) return done({ second: null });
  const waiting = first.value;
  const passkey = async () => {
    const claim = await askSecondPasskey(passkeyParts);
    if (!claim.ok) return claim;
    return await asOnlyWriter(password, (parts) => confirmByPasskey(parts, waiting, claim.value));
  };
  return done({
    second: {
      app: waiting.ways.includes("app"),
      code: (code) => asOnlyWriter(password, (parts) => confirmSignIn(parts, waiting, code)),
      passkey: waiting.ways.includes("passkey") && knowsPasskeys() ? passkey : null,
    },
  });
}

/** A passkey alone; where it does not open the vault, what else does. */
async function passkeyHere(
  password: (progress: Progress) => PasswordClient,
): Promise<Outcome<VaultDoor | null>> {
  const claim = await askAnyPasskey(passkeyParts);
  if (!claim.ok) return claim;
  const here = <T>(progress: Progress, work: (parts: FlowParts) => Promise<Outcome<T>>) =>
    asOnlyWriter(password(progress), work);
  const entered = await here<unknown>(
    () => {},
    async (parts) => await enterByPasskey(parts, claim.value) ?? done("shut"),
  );
  if (!entered.ok) return entered;
  if (entered.value !== "shut") return done(null);
  return done({
    username: claim.value.claim.username,
    byPassword: (secret, progress) =>
      here(progress, (parts) => enterByPassword(parts, claim.value, secret)),
    byRecoveryKey: (typed) =>
      here(() => {}, (parts) => enterByRecoveryKey(parts, claim.value, typed)),
  });
}

/** What the passkey pages of the settings ask for. */
function passkeySettings(password: (progress: Progress) => PasswordClient): PasskeySettings {
  return {
    async add(name, secret, progress) {
      const door = secret === null
        ? await proveByPasskey(passkeyParts)
        : await proveByPassword(passkeyParts, password(progress), secret);
      if (!door.ok) return door;
      progress("Follow your browser: it asks for your fingerprint, your face or a PIN.");
      return await addPasskey(passkeyParts, name, door.value);
    },
    remove: (passkey) => removePasskey(passkeyParts, passkey),
    async removePassword(progress) {
      progress("Follow your browser: one of your passkeys opens the vault.");
      const door = await proveByPasskey(passkeyParts);
      return door.ok ? await removePassword(passkeyParts, door.value) : door;
    },
  };
}

/** The chat in another tab may be the store's writer: here it is read, and at most ended. */
async function removeDeviceHere(device: string): Promise<Outcome<"other" | "self">> {
  const store = await openIdbStore("snug");
  try {
    return await removeOwnDevice({ api, store }, device);
  } finally {
    await store.close();
  }
}

/** The own device list as contacts get it. The chat in another tab may be the store's writer: here it is read. */
async function lookAsOthers(): Promise<Outcome<SeenAccount>> {
  const store = await openIdbStore("snug");
  try {
    return await seenByOthers({ api, store });
  } finally {
    await store.close();
  }
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The signed-in side of a link. The chat in another tab may be the store's writer: here it is read. */
function approveLink(password: (progress: Progress) => PasswordClient): ApproveLink {
  return {
    after,
    qrReader: loadQrReader,
    async take(code) {
      const store = await openIdbStore("snug");
      try {
        return await takeLinkCode({ api, store }, code);
      } finally {
        await store.close();
      }
    },
    async byPassword(approval, secret, progress) {
      const door = await proveByPassword(passkeyParts, password(progress), secret);
      return door.ok ? await approval.approve(door.value) : door;
    },
    byPasskey: !knowsPasskeys() ? null : async (approval) => {
      const door = await proveByPasskey(passkeyParts);
      return door.ok ? await approval.approve(door.value) : door;
    },
  };
}

async function main(): Promise<void> {
  const step = need<HTMLElement>("#step");
  const others = step.querySelector<HTMLElement>("#others-see");
  // It is read only: what it needs of the browser, the chat had when it made the keys.
  if (others) return await runOthersSee(others, lookAsOthers);
  const lacking = await missing(globalThis);
  if (lacking.length > 0) {
    const words = `This browser can’t run Snug: it lacks ${
      lacking.join(", ")
    }. Snug needs ${SUPPORTED}.`;
    return problem(step, words);
  }
  const password = passwordClient(step.dataset["worker"]!);
  const form = step.querySelector<HTMLFormElement>("#sign-in");
  if (form) {
    if (knowsPasskeys()) offerPasskey(step, form, () => passkeyHere(password));
    return runSignIn(
      step,
      form,
      (username, secret, progress) =>
        signInHere(password(progress), { username, password: secret }),
    );
  }
  const change = step.querySelector<HTMLFormElement>("#change-password");
  if (change) {
    return runChangePassword(change, {
      known: lazyKnownPasswords(step.dataset["known"]!),
      change: ({ current, next }, progress) => {
        const client = password(progress);
        return current === null
          ? setPasswordByPasskey({ ...passkeyParts, password: client }, next)
          : changePassword({ api, password: client }, { current, next });
      },
    });
  }
  if (step.querySelector("#link-wait")) {
    const device = { api, kind: "browser", mode: "sealed", now } as const;
    return await runWaitForLink(step, {
      after,
      begin: () => waitForLink(device),
      enter: (wait) => asOnlyWriter(password(() => {}), (parts) => wait.enter(parts)),
    });
  }
  const link = step.querySelector<HTMLFormElement>("#link-device");
  if (link) return runApproveLink(link, approveLink(password));
  const removal = step.querySelector<HTMLFormElement>("#remove-passkey");
  if (removal) return runRemovePasskey(removal, passkeySettings(password));
  const device = step.querySelector<HTMLFormElement>("#remove-device");
  if (device) return runRemoveDevice(device, removeDeviceHere);
  if (step.querySelector("#add-passkey, #remove-password")) {
    return runPasskeys(step, passkeySettings(password), knowsPasskeys());
  }
  const end = step.querySelector<HTMLFormElement>("#delete-account");
  if (end) {
    return runDeleteAccount(
      end,
      (secret, progress) => deleteAccount(api, password(progress), secret),
    );
  }
  if (step.querySelector("#forgot")) {
    return runForgot(step, {
      known: lazyKnownPasswords(step.dataset["known"]!),
      recover: (form, progress) =>
        asOnlyWriter(password(progress), (parts) => recoverAccount(parts, form)),
      startOver: (form, progress) =>
        asOnlyWriter(password(progress), (parts) => startOver(parts, form)),
    });
  }
  runSignUp(step, {
    known: lazyKnownPasswords(step.dataset["known"]!),
    finish: (confirmed, progress) =>
      asOnlyWriter(password(progress), (parts) => finishSignUp(parts, confirmed)),
  });
}

await main();
