/** What each table of the server is to the person it is about, and how long its rows stay. */

/** The words of one table. */
export interface KeptWords {
  readonly title: string;
  readonly words: string;
  readonly stays: string;
}

const WHILE_ACCOUNT = "Stays as long as the account.";

/** By the table's name in the database. */
export const KEPT_WORDS: Readonly<Record<string, KeptWords>> = {
  reports: {
    title: "Reports",
    words:
      "What you reported about others, and others about you: the words, and the messages that were revealed with them.",
    stays: "Revealed messages go when the report is settled, the rest 90 days later.",
  },
  admin_acts: {
    title: "What admins did",
    words:
      "A line for each act of an admin that concerned you, with your username. It has no message in it.",
    stays: "Stays for good: the log shows that nobody changed it.",
  },
  accounts: {
    title: "Account",
    words:
      "What stands above, your public account key, a password record that is useless without this server’s secrets, and the words you are found by if you asked to be found.",
    stays: WHILE_ACCOUNT,
  },
  list_entries: {
    title: "Device list",
    words: "The signed history of which devices were yours. Everyone who writes to you checks it.",
    stays: WHILE_ACCOUNT,
  },
  devices: {
    title: "Devices",
    words:
      "Kind (browser or terminal), the name you gave it, public keys, and the days it joined and was last here.",
    stays: "Stays until you remove the device.",
  },
  bundles: {
    title: "Current device keys",
    words: "Public keys that let others begin a conversation, signed by your device.",
    stays: "Replaced every 7 days; goes with the device.",
  },
  one_time_prekeys: {
    title: "One-time keys",
    words: "Public keys, each handed to one person who writes to you for the first time.",
    stays: "Gone when handed out.",
  },
  kem_prekeys: {
    title: "One-time keys against quantum computers",
    words: "The same, of the second kind.",
    stays: "Gone when handed out.",
  },
  vaults: {
    title: "Vault",
    words: "Your account key and verified contacts, sealed. This server cannot open it.",
    stays: "Replaced when you change it.",
  },
  wraps: {
    title: "Vault key, sealed",
    words: "Once by your password, once by your recovery key. Neither is here.",
    stays: "Replaced with your password.",
  },
  logins: {
    title: "Logins",
    words:
      "Where you are signed in: kind, device, when it began and when it was last used, to the minute.",
    stays: "Ends after 7 days unused and after 30 days in any case.",
  },
  passkeys: {
    title: "Passkeys",
    words:
      "Public keys, the names you gave them, when each was last used, and the vault key sealed by what only the passkey gives out.",
    stays: "Until you remove them.",
  },
  passkey_challenges: {
    title: "Passkeys, being asked",
    words: "A random number that a passkey is about to sign, hashed.",
    stays: "Gone when used, or after five minutes.",
  },
  totp: {
    title: "Authenticator app",
    words:
      "Its key, sealed under a secret that is not in the database, and when a code was last used.",
    stays: "Until you switch it off.",
  },
  totp_offers: {
    title: "Authenticator app, being set up",
    words: "A sealed key that waits for its first code.",
    stays: "Gone after 15 minutes or with the first code.",
  },
  recovery_codes: {
    title: "Recovery codes",
    words: "As keyed hashes.",
    stays: "Each gone when used; all when you make new ones.",
  },
  queues: {
    title: "Queues",
    words: "One for each of your devices: a position, and how many envelopes it never got.",
    stays: "Goes with the device.",
  },
  envelopes: {
    title: "Waiting envelopes",
    words:
      "Encrypted, for your devices: from which account and device, the minute, and a padded size.",
    stays:
      "Gone within the hour in which your device has it, or after 30 days unless whoever runs the server set another time.",
  },
  submits: {
    title: "Sent, to be recognised",
    words: "Random numbers of what your devices sent, with the day: so that nothing is sent twice.",
    stays: "Gone after 31 days.",
  },
  rooms: {
    title: "Rooms you are in",
    words: "A number, its encrypted name, and who its members are. Not the room code.",
    stays: "Stays as long as the room.",
  },
  room_entries: {
    title: "Signed by you in rooms",
    words: "Joining, adding, removing: what a room’s members check their list by.",
    stays: "Stays as long as the room, even without your account: the others could not check it.",
  },
  room_members: {
    title: "Memberships",
    words: "Which rooms you are or were in.",
    stays: "Stays as long as the room or your account.",
  },
  segments: {
    title: "History archive",
    words:
      "Sealed: messages for your next browser. A padded size, the minute of the newest message in it, and a mark that is the same for one conversation but does not say which.",
    stays: "Stays until you erase it.",
  },
  archives: {
    title: "Archive switch",
    words: "Whether you want a history archive, and how many bytes it has.",
    stays: WHILE_ACCOUNT,
  },
  deposits: {
    title: "Archive keys, sealed",
    words: "Made when you removed a device, sealed for your vault. This server cannot open them.",
    stays: WHILE_ACCOUNT,
  },
  device_challenges: {
    title: "Device sign-ins under way",
    words: "A random number that your device is about to sign, hashed.",
    stays: "Gone after 5 minutes.",
  },
  challenges: {
    title: "Codes sent to your address",
    words: "Somebody, perhaps you, wanted a code at the address of your account. You got a letter.",
    stays: "Gone after 90 minutes.",
  },
  resets: {
    title: "Starting over",
    words:
      "Somebody who reads your mail wants to start your account over. Any device of yours stops it.",
    stays: "Gone when it is stopped or done.",
  },
  former_vaults: {
    title: "Former vault",
    words: "From before you started over: still sealed, and still opened by its recovery key.",
    stays: "Gone after 30 days, or when you bring it back.",
  },
  former_entries: {
    title: "Former device list",
    words: "Which devices were yours before you started over.",
    stays: "Gone after 30 days, or when you bring it back.",
  },
  invites: {
    title: "Invites you made",
    words: "A hash of each link, how often it may be used and how often it was.",
    stays: "Gone 30 days after it ended.",
  },
  invited: {
    title: "Who invited whom",
    words: "Whose invite you came by, and who came by yours.",
    stays: WHILE_ACCOUNT,
  },
};
