/** A device without a face: everything behind the {@link Engine} of types.ts, put together. */
import type { DeviceKeys } from "../crypto/account.ts";
import { findDevice } from "../protocol/bundle.ts";
import type { Notice, ServerItem, Welcome } from "../protocol/frame.ts";
import type { AccountId, DeviceId, MessageId } from "../protocol/ids.ts";
import { Arrivals } from "./arrivals.ts";
import { type Change, StoreFailed, Writer } from "./change.ts";
import { wholeDevice } from "./canary.ts";
import { Commands } from "./commands.ts";
import { Connection } from "./connection.ts";
import { type DeviceApi, Renewing, renewLogin, withRenewal } from "./device_login.ts";
import { Directory } from "./directory.ts";
import { defaultAfter, defaultRandom } from "./engine_options.ts";
import type { EngineOptions, OpenEngine } from "./engine_options.ts";
import { Gaps } from "./gaps.ts";
import { heal } from "./healing.ts";
import { HistoryDoor } from "./history_door.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { OwnDevices } from "./own_devices.ts";
import { People } from "./people.ts";
import { PrekeyKeeper, Tending } from "./prekey_keeper.ts";
import { Pump } from "./pump.ts";
import { markActive } from "./installation.ts";
import { type MeRecord, META } from "./records.ts";
import { type RoomCommands, Rooms } from "./rooms.ts";
import { StoreClosed } from "./store.ts";
import { SharedStore } from "./store_shared.ts";
import { Supplies } from "./supplies.ts";
import { getContact } from "./timeline.ts";
import type { ConnectionState, ConversationId, Engine, EngineEvent, Me } from "./types.ts";
import { type MessagesOptions, NoDevice } from "./types.ts";

export * from "./types.ts";

export type { EngineOptions, OpenEngine } from "./engine_options.ts";

/**
 * Opens the device in `store`.
 * @throws {NoDevice} when it holds none, one that was restored from an old copy, or one of which a part is gone
 */
export async function openEngine(options: EngineOptions): Promise<OpenEngine> {
  const { store, api } = options;
  const { me, own } = await wholeDevice(store);
  if (me.state === "pending" && await renewLogin(api, own) !== "renewed") throw new NoDevice();
  if (me.state === "pending") {
    await markActive(store, null);
  }
  api.login ??= await store.get<string>("meta", META.login) ?? null;
  return new DeviceEngine(options, me, own);
}

class DeviceEngine implements OpenEngine {
  readonly me: Me;
  readonly rooms: RoomCommands;
  readonly history: HistoryDoor;
  readonly people: People;
  readonly #options: EngineOptions;
  readonly #own: DeviceKeys;
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  /** Work that nobody waits for; only `idle` does. */
  readonly #underway = new Set<Promise<unknown>>();
  readonly #writer: Writer;
  readonly #api: DeviceApi;
  readonly #directory: Directory;
  readonly #outbox: Outbox;
  readonly #supplies: Supplies;
  readonly #connection: Connection;
  readonly #inbox: Inbox;
  readonly #pump: Pump;
  readonly #keeper: PrekeyKeeper;
  readonly #tending: Tending;
  readonly #commands: Commands;
  readonly #devices: OwnDevices;
  readonly #renewing: Renewing;
  readonly #gaps: Gaps;
  readonly #rooms: Rooms;
  readonly alarms = (): ReturnType<Engine["alarms"]> => this.#devices.alarms();
  readonly acceptDevice = (device: DeviceId): Promise<void> => this.#devices.accept(device);
  #ending: Promise<void> | null = null;

  constructor(options: EngineOptions, me: MeRecord, own: DeviceKeys) {
    const { account, device, username, fullName } = me;
    this.me = { account, device, username, fullName };
    const store = new SharedStore(options.store);
    this.#options = { ...options, store };
    this.#own = own;
    const { mode, now } = options;
    const after = options.after ?? defaultAfter;
    const failed = (error: unknown) => this.#failed(error);
    const writer = this.#writer = new Writer(store, (event) => this.#tell(event));
    const api = this.#api = withRenewal(options.api, () => this.#renewing.renew());
    const directory = this.#directory = new Directory(own, now);
    const outbox = this.#outbox = new Outbox(own, now);
    const supplies = this.#supplies = new Supplies({ api, writer, directory, outbox });
    this.#devices = new OwnDevices({
      ...{ me: this.me, own, store, writer, api, door: options.api, leaving: directory.leaving },
      refresh: () => this.#refreshNow(account),
      erase: () => this.#erase(),
    });
    this.#renewing = new Renewing(options.api, own, {
      keep: (login) =>
        writer.change((change) => Promise.resolve(change.set("meta", META.login, login))),
      refused: () => this.#background(this.#devices.lookForRemoval()),
    });
    this.#gaps = new Gaps({ writer, after, now, failed });
    this.#keeper = new PrekeyKeeper({ own, mode, store, writer, api, now });
    this.#connection = this.#connect();
    this.#tending = new Tending(after, () => {
      if (this.#connection.isOnline) this.#background(this.#keeper.tend());
    });
    const online = () => this.#connection.isOnline;
    const send: Connection["send"] = (items) => this.#connection.send(items);
    const peopleVersion = () => store.peopleVersion;
    const rooms = this.#rooms = new Rooms({
      ...{ me: this.me, own, mode, store, writer, api, outbox, supplies, after, now },
      peopleVersion,
      wake: () => this.#pump.wake(),
      background: (work) => this.#background(work),
      missing: (change, conversation, count) => this.#gaps.missing(change, conversation, count),
      unavailable: (error) => options.log?.({ what: "rooms", error }),
    });
    this.rooms = rooms.commands;
    outbox.sealRoom = (change, row) => rooms.sending.seal(change, row);
    this.#pump = new Pump({
      ...{ store, writer, outbox, directory, supplies, online, send, after, now, failed },
      meet: (room, accounts) => rooms.meet(room, accounts),
      rooms: {
        catchUp: (room) => rooms.catchUp(room),
        unseal: (change, row) => rooms.sending.unseal(change, row),
      },
    });
    this.history = new HistoryDoor({
      ...{ me: this.me, own, mode, store, writer, api, directory, outbox, after, now },
      background: (work) => this.#background(work),
      wake: () => this.#pump.wake(),
      unavailable: (error) => options.log?.({ what: "history", error }),
    });
    this.#inbox = this.#receive();
    const parts = { me: this.me, own, store, writer, api, outbox, now, pump: this.#pump };
    this.people = new People(parts);
    this.#commands = new Commands({ ...parts, directory, rooms: rooms.commands });
  }

  get connection(): ConnectionState {
    return this.#connection.state;
  }

  connect(): void {
    this.#connection.start();
  }

  on(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  startConversation(username: string): ReturnType<Engine["startConversation"]> {
    return this.#commands.startConversation(username);
  }

  conversations(): ReturnType<Engine["conversations"]> {
    return this.#commands.conversations();
  }

  messages(id: ConversationId, options: MessagesOptions = {}): ReturnType<Engine["messages"]> {
    return this.history.messages(id, options, () => this.#commands.messages(id, options));
  }

  send(conversation: ConversationId, text: string, id?: MessageId): ReturnType<Engine["send"]> {
    return this.#commands.send(conversation, text, id);
  }

  retry(conversation: ConversationId, message: MessageId): ReturnType<Engine["retry"]> {
    return this.#commands.retry(conversation, message);
  }

  markRead(conversation: ConversationId): Promise<void> {
    return this.#commands.markRead(conversation);
  }

  mute(conversation: ConversationId, muted: boolean): ReturnType<Engine["mute"]> {
    return this.#commands.mute(conversation, muted);
  }

  safetyNumber(account: AccountId): ReturnType<Engine["safetyNumber"]> {
    return this.people.safetyNumber(account);
  }

  setVerified(account: AccountId, verified: boolean): ReturnType<Engine["setVerified"]> {
    return this.people.setVerified(account, verified);
  }

  acceptChange(account: AccountId, number: string): ReturnType<Engine["acceptChange"]> {
    return this.people.acceptChange(account, number);
  }

  devices(): ReturnType<Engine["devices"]> {
    return this.#devices.list();
  }

  renameDevice(device: DeviceId, name: string): ReturnType<Engine["renameDevice"]> {
    return this.#devices.rename(device, name);
  }

  revokeDevice(device: DeviceId): ReturnType<Engine["revokeDevice"]> {
    return this.#devices.revoke(device);
  }

  async idle(): Promise<void> {
    for (let settled = false; !settled;) {
      const underway = this.#underway.size;
      await Promise.all([...this.#underway, this.#inbox.idle(), this.#pump.idle()]);
      await this.#writer.idle();
      settled = underway === 0 && this.#underway.size === 0;
    }
  }

  async close(): Promise<void> {
    this.#connection.stop();
    await (this.#ending ??= this.#end(() => this.#options.store.close()));
    this.#listeners.clear();
  }

  /** Nothing is begun any more, and what was begun is done. */
  async #end(last: () => Promise<void>): Promise<void> {
    this.#tending.stop();
    this.#gaps.stop();
    this.#rooms.stop();
    this.history.stop();
    await Promise.all([this.#inbox.stop(), this.#pump.stop(), this.#keeper.stop()]);
    await this.#writer.idle();
    await last();
  }

  #connect(): Connection {
    return new Connection({
      writer: this.#writer,
      socket: this.#options.socket,
      login: () => this.#options.api.login,
      renew: () => this.#renewing.renew(),
      checkLogin: () => this.#lookAtMyself(),
      after: this.#options.after ?? defaultAfter,
      random: this.#options.random ?? defaultRandom,
      changed: (state) => this.#tell({ kind: "connection", state }),
      welcoming: (change, { gaps }) => this.#gaps.total(change, gaps),
      welcomed: (welcome) => this.#welcomed(welcome),
      item: (item) => this.#take(item),
      lost: () => {
        this.#inbox.disconnected();
        this.#pump.disconnected();
      },
      failed: (error) => this.#failed(error),
    });
  }

  #receive(): Inbox {
    const arrivals = new Arrivals({
      me: this.me.account,
      outbox: this.#outbox,
      directory: this.#directory,
      now: this.#options.now,
      refresh: (account) => this.#refresh(account),
      missing: (change, conversation, count) => this.#gaps.missing(change, conversation, count),
      late: (change) => this.#gaps.late(change),
      lateOwn: (change) => this.#gaps.lateOwn(change),
      rooms: this.#rooms,
      history: this.history,
    });
    return new Inbox({
      own: this.#own,
      writer: this.#writer,
      directory: this.#directory,
      supplies: this.#supplies,
      now: this.#options.now,
      roomEnvelope: (change, envelope) => this.#rooms.arrivals.envelope(change, envelope),
      apply: (change, arrived) => arrivals.apply(change, arrived),
      ack: (position) => this.#connection.send([{ type: "ack", position }]),
      heal: (account, device) => this.#heal(account, device),
      drained: () => this.#pump.wake(),
      failed: (error) => this.#failed(error),
    });
  }

  #welcomed({ queued }: Welcome): void {
    this.#background(this.#lookAtMyself().then(() => this.#rooms.lookAround()));
    this.#background(this.history.connected());
    this.#pump.connected();
    // Prekeys that waiting envelopes need must not be erased under them: first read, then tidy.
    this.#tending.start(queued === 0 ? 0 : 5_000 + queued * 20);
  }

  #take(item: Exclude<ServerItem, Welcome>): void {
    switch (item.type) {
      case "deliver":
        return this.#inbox.receive([item]);
      case "accepted":
      case "refused":
        return this.#background(this.#pump.answered(item));
      case "notice":
        return this.#notice(item);
      case "pong":
        return;
    }
  }

  #notice({ news }: Notice): void {
    switch (news.kind) {
      case "list-changed":
        return this.#refresh(news.account);
      case "prekeys-low":
        return this.#background(this.#keeper.tend());
      case "gap":
        return this.#background(
          this.#writer.change((change) => this.#gaps.total(change, news.gaps)),
        );
      case "room-changed":
        return this.#background(this.#rooms.catchUp(news.room));
      case "signed-out":
        // The server closes right after, with the code that says the same.
        return;
    }
  }

  /** Who does the server think we are? Notices a newer list of our own, and a login that has run out. */
  async #lookAtMyself(): Promise<void> {
    const answer = await this.#api.me();
    if (!answer.ok) {
      if (answer.status === 401) this.#connection.signedOut();
      return;
    }
    const { listVersion } = answer.value;
    const own = await this.#contact(this.me.account);
    if (!own || own.list.version < listVersion) await this.#refreshNow(this.me.account);
  }

  /** Looks up somebody's list again, if they are known here. */
  #refresh(account: AccountId): void {
    this.#background(this.#refreshNow(account));
  }

  async #refreshNow(account: AccountId): Promise<void> {
    if (account !== this.me.account && !await this.#contact(account)) return;
    await this.#supplies.list(account);
    await this.#rooms.listChanged(account);
    if (account === this.me.account) {
      await this.history.listChanged();
      await this.#keeper.listChanged();
    }
    this.#pump.wake();
    const own = account === this.me.account ? await this.#contact(account) : undefined;
    if (own && !findDevice(own.list, this.me.device)) await this.#erase();
  }

  /** This device was removed: what it keeps goes, and the person is told why. */
  async #erase(): Promise<void> {
    if (this.#ending) return;
    this.#connection.removed();
    await (this.#ending = this.#end(() => this.#options.store.erase()));
  }

  #contact(account: AccountId) {
    return this.#writer.change((change: Change) => getContact(change, account));
  }

  #heal(account: AccountId, device: DeviceId): void {
    const { now } = this.#options;
    const parts = { supplies: this.#supplies, outbox: this.#outbox, now };
    this.#background(heal(parts, account, device).then(() => this.#pump.wake()));
  }

  /** Work that nobody waits for: whatever goes wrong in it must not be lost, nor end the process. */
  #background(work: Promise<unknown>): void {
    const guarded = work.catch((error) => this.#failed(error))
      .finally(() => this.#underway.delete(guarded));
    this.#underway.add(guarded);
  }

  #failed(error: unknown): void {
    if (this.#ending) return;
    const gone = error instanceof StoreFailed && error.cause instanceof StoreClosed;
    if (error !== null) this.#options.log?.({ what: "engine", error });
    if (gone) this.#connection.stop();
    else this.#connection.restart();
  }

  #tell(event: EngineEvent): void {
    if (event.kind === "gap") this.history.lost();
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#options.log?.({ what: "listener", error });
      }
    }
  }
}
