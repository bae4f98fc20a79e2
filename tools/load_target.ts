/** What can be put under load: Snug, its floors and its peers look the same to the modes. */

/** What a client hears. */
export interface Told {
  /** So many of its own messages are safe with the server. Not every target says so. */
  readonly accepted: (count: number) => void;
  /** So many messages came for it. */
  readonly delivered: (count: number) => void;
  readonly refused?: () => void;
  readonly closed?: () => void;
}

/** One connected client. Its messages go to its peer: the client whose index differs in the last bit. */
export interface LoadClient {
  send(count: number): void;
  close(): void;
}

/** A server under load. */
export interface LoadTarget {
  readonly name: string;
  /** Does it tell senders that a message is safe? Where not, its window closes on delivery. */
  readonly accepts: boolean;
  /** The process whose memory and time count. */
  readonly pid: number;
  connect(index: number, told: Told): Promise<LoadClient>;
  /** Where somebody must have been there once before anything can wait for them. */
  prepare?(index: number): Promise<void>;
  /** Sends to the peer and resolves when all of it is stored, where senders are not told. */
  store?(index: number, messages: number): Promise<void>;
  stop(): Promise<void>;
}
