import fc from "fast-check";
import assert from "node:assert/strict";
import { DecryptError } from "../../crypto/errors.ts";
import { randomBytes } from "../../crypto/random.ts";
import { importSigning } from "../../crypto/signature.ts";
import {
  makeVaultKey,
  MAX_ARCHIVE_KEYS,
  MAX_BLOCKED,
  MAX_VERIFIED,
  openVault,
  sealVault,
  unwrapVaultKey,
  type VaultContent,
  wrapGeneration,
  type WrapKind,
  wrapVaultKey,
} from "../../crypto/vault.ts";
import { MAX_VAULT_BYTES, MAX_WRAP_BYTES } from "../../protocol/api.ts";
import { FormatError } from "../../protocol/errors.ts";
import { randomId } from "../../protocol/ids.ts";

const SECRET_BYTES: Record<WrapKind, number> = { password: 64, recovery: 20, passkey: 32 };
const KINDS = Object.keys(SECRET_BYTES) as WrapKind[];

Deno.test("a vault opens to what was put in", async () => {
  const { content, edition } = await example();
  const vaultKey = makeVaultKey();
  const sealed = await sealVault(vaultKey, content, edition);
  assert.deepEqual(await openVault(vaultKey, sealed, edition), content);
});

Deno.test("a vault of nearly any content has one of the padded sizes and never the same bytes", async () => {
  const { content, edition } = await example();
  const vaultKey = makeVaultKey();
  const first = await sealVault(vaultKey, content, edition);
  const second = await sealVault(vaultKey, { ...content, blocked: [] }, edition);
  assert.equal(first.length, second.length);
  assert.equal(first.length, 1 + 32 + 512 + 16);
  assert.notDeepEqual(await sealVault(vaultKey, content, edition), first);
});

Deno.test("a vault opens for its own account, key and generation only", async () => {
  const { content, edition } = await example();
  const vaultKey = makeVaultKey();
  const sealed = await sealVault(vaultKey, content, edition);
  const others = [
    { ...edition, account: randomId<"account">() },
    { ...edition, aik: randomBytes(32) },
    { ...edition, generation: edition.generation + 1 },
    { ...edition, generation: edition.generation - 1 },
  ];
  for (const other of others) {
    await assert.rejects(openVault(vaultKey, sealed, other), DecryptError);
  }
  await assert.rejects(openVault(makeVaultKey(), sealed, edition), DecryptError);
});

Deno.test("a vault with a foreign account key inside does not open", async () => {
  const { content, edition } = await example();
  const vaultKey = makeVaultKey();
  const sealed = await sealVault(vaultKey, { ...content, aik: randomBytes(32) }, edition);
  await assert.rejects(openVault(vaultKey, sealed, edition), DecryptError);
});

Deno.test("a vault or wrap with one bit flipped or a piece missing does not open", async () => {
  const { content, edition } = await example();
  const [vaultKey, secret] = [makeVaultKey(), randomBytes(20)];
  const vault = await sealVault(vaultKey, content, edition);
  const wrap = await wrapVaultKey(vaultKey, secret, "recovery", edition);
  const property = fc.asyncProperty(fc.nat(), fc.nat(), async (bit, length) => {
    for (const broken of [flipped(vault, bit), vault.slice(0, length % vault.length)]) {
      await assert.rejects(openVault(vaultKey, broken, edition), DecryptError);
    }
    for (const broken of [flipped(wrap, bit), wrap.slice(0, length % wrap.length)]) {
      await assert.rejects(unwrapVaultKey(broken, secret, "recovery", edition), DecryptError);
    }
  });
  await fc.assert(property, { numRuns: 60 });
  for (let length = 0; length < wrap.length; length++) {
    const prefix = wrap.slice(0, length);
    await assert.rejects(unwrapVaultKey(prefix, secret, "recovery", edition), DecryptError);
  }
});

Deno.test("the vault key unwraps by the secret and kind that wrapped it", async () => {
  const { edition } = await example();
  const vaultKey = makeVaultKey();
  for (const kind of KINDS) {
    const secret = randomBytes(SECRET_BYTES[kind]);
    const wrap = await wrapVaultKey(vaultKey, secret, kind, edition);
    assert.equal(wrap.length, 85);
    assert.ok(wrap.length <= MAX_WRAP_BYTES);
    assert.deepEqual(await unwrapVaultKey(wrap, secret, kind, edition), vaultKey);
    const wrong = randomBytes(SECRET_BYTES[kind]);
    await assert.rejects(unwrapVaultKey(wrap, wrong, kind, edition), DecryptError);
    const stranger = { ...edition, account: randomId<"account">() };
    await assert.rejects(unwrapVaultKey(wrap, secret, kind, stranger), DecryptError);
  }
});

Deno.test("a recovery wrap outlives later generations of the vault", async () => {
  const { edition } = await example();
  const [vaultKey, secret] = [makeVaultKey(), randomBytes(20)];
  const wrap = await wrapVaultKey(vaultKey, secret, "recovery", { ...edition, generation: 3 });
  assert.equal(wrapGeneration(wrap), 3);
  const later = { ...edition, generation: 9 };
  assert.deepEqual(await unwrapVaultKey(wrap, secret, "recovery", later), vaultKey);
});

Deno.test("context confusion: a wrap is no vault and a vault no wrap", async () => {
  const { content, edition } = await example();
  const secret = randomBytes(32);
  const vault = await sealVault(secret, content, edition);
  const wrap = await wrapVaultKey(makeVaultKey(), secret, "passkey", edition);
  await assert.rejects(openVault(secret, wrap, edition), DecryptError);
  await assert.rejects(unwrapVaultKey(vault, secret, "passkey", edition), DecryptError);
});

Deno.test("secrets and vault keys of other lengths are refused", async () => {
  const { content, edition } = await example();
  const short = new Uint8Array(31);
  await assert.rejects(sealVault(short, content, edition), RangeError);
  await assert.rejects(openVault(short, new Uint8Array(100), edition), RangeError);
  for (const kind of KINDS) {
    const wrong = new Uint8Array(SECRET_BYTES[kind] + 1);
    await assert.rejects(wrapVaultKey(makeVaultKey(), wrong, kind, edition), RangeError);
    await assert.rejects(unwrapVaultKey(new Uint8Array(85), wrong, kind, edition), RangeError);
  }
  for (const generation of [-1, 1.5, 2 ** 31]) {
    await assert.rejects(
      sealVault(makeVaultKey(), content, { ...edition, generation }),
      RangeError,
    );
  }
});

Deno.test("a vault with every list full fits the server's limit, one more contact is refused", async () => {
  const { content, edition } = await example();
  const contact = () => ({ account: randomId<"account">(), aik: randomBytes(32) });
  const full: VaultContent = {
    ...content,
    archiveKeys: many(MAX_ARCHIVE_KEYS, (at) => ({ epoch: 1_000_000 + at, key: randomBytes(32) })),
    verified: many(MAX_VERIFIED, contact),
    blocked: many(MAX_BLOCKED, () => randomId<"account">()),
  };
  const vaultKey = makeVaultKey();
  const sealed = await sealVault(vaultKey, full, edition);
  assert.ok(sealed.length <= MAX_VAULT_BYTES);
  assert.deepEqual(await openVault(vaultKey, sealed, edition), full);
  const over = { ...full, verified: [...full.verified, contact()] };
  await assert.rejects(sealVault(vaultKey, over, edition), FormatError);
});

async function example() {
  const aik = randomBytes(32);
  const content: VaultContent = {
    aik,
    archiveKeys: [{ epoch: 0, key: randomBytes(32) }],
    depositAgree: randomBytes(32),
    depositKem: randomBytes(64),
    verified: [{ account: randomId<"account">(), aik: randomBytes(32) }],
    blocked: [randomId<"account">()],
  };
  const account = randomId<"account">();
  const { public: aikPublic } = await importSigning(aik, "portable");
  return { content, edition: { account, aik: aikPublic, generation: 1 } };
}

function many<T>(length: number, make: (at: number) => T): T[] {
  return Array.from({ length }, (_, at) => make(at));
}

function flipped(bytes: Uint8Array<ArrayBuffer>, bit: number): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  const at = bit % (copy.length * 8);
  copy[at >> 3]! ^= 1 << (at & 7);
  return copy;
}
