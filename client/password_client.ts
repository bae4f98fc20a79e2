/**
 * The device's half of OPAQUE (RFC 9807): the password goes in, only blinded messages come out. The terminal calls the
 * library directly; the page asks a worker, because stretching takes a second and would freeze it.
 *
 * All values are base64url text as the library makes them: registration request 43 characters, record 256, export key
 * 86 (64 bytes), login request 128, finish 86.
 */

/** Argon2id as in RFC 9106 section 4, second choice: 64 MiB, 3 passes, 4 lanes. Compiled in, never asked of a server. */
export const KEY_STRETCHING = {
  "argon2id-custom": { iterations: 3, memory: 65_536, parallelism: 4 },
};

export interface RegistrationStart {
  /** Kept here until the server has answered. */
  readonly state: string;
  readonly request: string;
}

export interface RegistrationFinish {
  readonly record: string;
  /** Wraps the vault key; never leaves the device. */
  readonly exportKey: string;
}

export interface LoginStart {
  readonly state: string;
  readonly request: string;
}

export interface LoginFinish {
  readonly finish: string;
  readonly exportKey: string;
}

export interface PasswordClient {
  startRegistration(password: string): Promise<RegistrationStart>;
  finishRegistration(
    password: string,
    state: string,
    response: string,
  ): Promise<RegistrationFinish>;
  startLogin(password: string): Promise<LoginStart>;
  /** Null when the password is wrong or the username unknown: the two cannot be told apart. */
  finishLogin(password: string, state: string, response: string): Promise<LoginFinish | null>;
}
