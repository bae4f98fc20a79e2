/** German. */
import type { CodeFacts, LetterWords } from "./letter_words.ts";

const NOT_YOU = "Wenn du das nicht warst: Melde dich an, ändere dein Passwort und melde unter " +
  "Einstellungen die anderen Geräte ab. Kannst du dich nicht anmelden, frag, wer den Server betreibt.";
const NEVER_ASKED = "Niemand von Snug wird dich je danach fragen.";

const goodFor = (minutes: number) =>
  `Er gilt ${minutes} Minuten, einmal, in dem Browser, der ihn angefordert hat.`;
const subject = ({ code }: CodeFacts) => `${code} ist dein Snug-Code`;
const short = ({ code, host, minutes }: CodeFacts, what: string) =>
  `${code} ist dein Snug-Code ${what} ${host}. Er gilt ${minutes} Minuten. Sag ihn niemandem.`;

/** The table. */
export const GERMAN: LetterWords = {
  code: {
    "sign-up": (facts) => ({
      subject: subject(facts),
      short: short(facts, "zur Anmeldung bei"),
      lines: [
        `Dein Code für ${facts.host} ist ${facts.code}.`,
        goodFor(facts.minutes),
        `Hast du ihn nicht angefordert, ist nichts zu tun. ${NEVER_ASKED}`,
      ],
    }),
    "reset": (facts) => ({
      subject: subject(facts),
      short: short(facts, "für ein vergessenes Passwort bei"),
      lines: [
        `Jemand, wahrscheinlich du, hat das Passwort deines Kontos bei ${facts.host} vergessen.`,
        `Der Code, mit dem es weitergeht, ist ${facts.code}.`,
        goodFor(facts.minutes),
        `Warst du das nicht, sag den Code niemandem. Ohne ihn geschieht nichts. ${NEVER_ASKED}`,
      ],
    }),
    "old-contact": (facts) => ({
      subject: subject(facts),
      short: short(facts, "zum Wechsel der Nummer bei"),
      lines: [
        `Codes und Warnungen deines Kontos bei ${facts.host} sollen woanders hin gehen.`,
        `Der Code, der sie von dieser Adresse löst, ist ${facts.code}.`,
        goodFor(facts.minutes),
        `Warst du das nicht, ist jemand als du angemeldet: Sag den Code niemandem. ${NOT_YOU}`,
      ],
    }),
    "new-contact": (facts) => ({
      subject: subject(facts),
      short: short(facts, "für diese Nummer bei"),
      lines: [
        `Codes und Warnungen eines Kontos bei ${facts.host} sollen von nun an hierher kommen.`,
        `Der Code, der diese Adresse bestätigt, ist ${facts.code}.`,
        goodFor(facts.minutes),
        `Hast du ihn nicht angefordert, ist nichts zu tun. ${NEVER_ASKED}`,
      ],
    }),
  },
  alreadyHere: (host) => ({
    subject: "Du hast schon ein Snug-Konto",
    lines: [
      `Jemand, wahrscheinlich du, wollte diese Adresse für ein neues Konto bei ${host} verwenden.`,
      "Sie hat schon ein Konto, darum gibt es keinen Code. Melde dich mit Benutzername und Passwort an.",
      "Warst du das nicht, ist nichts zu tun.",
    ],
  }),
  noAccount: (host) => ({
    subject: "Zu dieser Adresse gibt es kein Snug-Konto",
    lines: [
      `Jemand, wahrscheinlich du, hat bei ${host} ein Passwort vergessen und diese Adresse angegeben.`,
      "Sie hat dort kein Konto, darum gibt es keinen Code. Vielleicht hat deines eine andere Adresse.",
      "Warst du das nicht, ist nichts zu tun.",
    ],
  }),
  news: {
    "new-device": (host) => ({
      subject: "Ein neues Gerät ist bei deinem Snug-Konto angemeldet",
      lines: [
        `Ein Browser oder Terminal hat sich mit deinem Passwort bei deinem Konto auf ${host} angemeldet.`,
        "Von nun an kann es deine Nachrichten lesen.",
        "Warst du das nicht: Öffne Snug auf einem vertrauten Gerät, entferne das neue und ändere dein Passwort.",
      ],
    }),
    "device-removed": (host) => ({
      subject: "Ein Gerät wurde von deinem Snug-Konto entfernt",
      lines: [
        `Ein Browser oder Terminal deines Kontos auf ${host} wurde von einem anderen entfernt.`,
        "Es bekommt keine Nachrichten mehr und löscht, was es hat, wenn es sich das nächste Mal öffnet.",
        NOT_YOU,
      ],
    }),
    "password-changed": (host) => ({
      subject: "Dein Snug-Passwort wurde geändert",
      lines: [
        `Das Passwort deines Kontos bei ${host} wurde geändert, und alle anderen Geräte wurden abgemeldet.`,
        NOT_YOU,
      ],
    }),
    "second-factor-on": (host) => ({
      subject: "Dein Snug-Konto verlangt jetzt einen Code",
      lines: [
        `Von nun an braucht die Anmeldung bei ${host} einen Code aus einer Authenticator-App.`,
        NOT_YOU,
      ],
    }),
    "second-factor-off": (host) => ({
      subject: "Dein Snug-Konto verlangt keinen Code mehr",
      lines: [`Von nun an genügt bei ${host} dein Passwort zur Anmeldung.`, NOT_YOU],
    }),
    "recovery-code-used": (host) => ({
      subject: "Ein Ersatzcode deines Snug-Kontos wurde benutzt",
      lines: [
        `Statt eines Codes aus der App wurde bei deinem Konto auf ${host} ein Ersatzcode benutzt.`,
        "Er ist verbraucht. Die Einstellungen sagen, wie viele noch da sind, und machen neue.",
        NOT_YOU,
      ],
    }),
    "recovery-codes-renewed": (host) => ({
      subject: "Dein Snug-Konto hat neue Ersatzcodes",
      lines: [
        `Für dein Konto bei ${host} wurden neue Ersatzcodes gemacht. Die alten gelten nicht mehr.`,
        NOT_YOU,
      ],
    }),
    "passkey-added": (host) => ({
      subject: "Dein Snug-Konto hat einen neuen Passkey",
      lines: [`Dein Konto bei ${host} hat einen Passkey mehr. Er kann sich anmelden.`, NOT_YOU],
    }),
    "passkey-removed": (host) => ({
      subject: "Ein Passkey deines Snug-Kontos wurde entfernt",
      lines: [
        `Ein Passkey deines Kontos bei ${host} ist fort. Er meldet niemanden mehr an.`,
        NOT_YOU,
      ],
    }),
    "password-removed": (host) => ({
      subject: "Dein Snug-Konto hat kein Passwort mehr",
      lines: [
        `Von nun an öffnen nur deine Passkeys und dein Wiederherstellungsschlüssel dein Konto auf ${host}.`,
        NOT_YOU,
      ],
    }),
    "contact-changed": (host) => ({
      subject: "Dein Snug-Konto hat eine andere Adresse",
      lines: [
        `Codes und Warnungen deines Kontos bei ${host} gehen von nun an an eine andere Adresse.`,
        "Das wurde mit einem Code an die alte und einem an die neue Adresse bestätigt.",
        NOT_YOU,
      ],
    }),
    "password-reset": (host) => ({
      subject: "Dein Snug-Passwort wurde mit dem Wiederherstellungsschlüssel neu gesetzt",
      lines: [
        `Dein Konto bei ${host} hat ein neues Passwort, und alle Geräte wurden abgemeldet.`,
        "Warst du das nicht, hat jemand deinen Wiederherstellungsschlüssel und liest deine Post: " +
        "Bitte, wer den Server betreibt, das Konto zu sperren.",
      ],
    }),
    "reset-waits": (host) => ({
      subject: "Jemand will dein Snug-Konto neu beginnen",
      lines: [
        `Jemand, der dieses Postfach liest, sagt, dass Passwort, Wiederherstellungsschlüssel und Geräte deines Kontos bei ${host} verloren sind.`,
        "In 72 Stunden darf er es mit neuen Schlüsseln beginnen. Bis dahin kann jedes deiner Geräte das aufhalten.",
        "Warst du das nicht: Öffne jetzt Snug auf einem deiner Geräte und wähle Stop it.",
      ],
    }),
    "reset-cancelled": (host) => ({
      subject: "Dein Snug-Konto wird nicht neu begonnen",
      lines: [
        `Eines deiner Geräte hat es aufgehalten. Dein Konto bei ${host} ist, wie es war.`,
        "Hast du den Neubeginn nicht verlangt, liest jemand deine Post: Ändere deren Passwort.",
      ],
    }),
    "account-reset": (host) => ({
      subject: "Dein Snug-Konto wurde neu begonnen",
      lines: [
        `Dein Konto bei ${host} hat neue Schlüssel und ein neues Passwort. Alle, denen du schreibst, erfahren es.`,
        "30 Tage lang bringt der alte Wiederherstellungsschlüssel die alten Schlüssel noch zurück.",
        "Warst du das nicht, tu das jetzt: Wähle auf der Anmeldeseite Forgot password.",
      ],
    }),
    "reset-undone": (host) => ({
      subject: "Deine alten Snug-Schlüssel sind zurück",
      lines: [
        `Die alten Schlüssel deines Kontos bei ${host} wurden mit dem Wiederherstellungsschlüssel zurückgeholt.`,
        "Was beim Neubeginn entstand, ist fort, und alle Geräte wurden abgemeldet.",
        NOT_YOU,
      ],
    }),
    "signed-out-by-admin": (host) => ({
      subject: "Dein Snug-Konto wurde überall abgemeldet",
      lines: [
        `Wer ${host} betreibt, hat dein Konto auf allen Geräten abgemeldet.`,
        "Deine Nachrichten bleiben auf deinen Geräten. Mit deinem Passwort geht es weiter.",
      ],
    }),
    "second-factor-reset": (host) => ({
      subject: "Der zweite Faktor deines Snug-Kontos wurde entfernt",
      lines: [
        `Wer ${host} betreibt, hat den zweiten Faktor deines Kontos entfernt und es überall abgemeldet.`,
        "Jetzt genügt dein Passwort. Richte unter Einstellungen wieder einen zweiten Faktor ein.",
        "Hast du nicht darum gebeten, frag nach dem Grund.",
      ],
    }),
    "account-disabled": (host) => ({
      subject: "Dein Snug-Konto wurde gesperrt",
      lines: [
        `Wer ${host} betreibt, hat dein Konto gesperrt. Bis es wieder frei ist, kann sich niemand anmelden.`,
        "Was auf deinen Geräten ist, bleibt dort. Weißt du nicht warum, frag nach.",
      ],
    }),
    "account-enabled": (host) => ({
      subject: "Dein Snug-Konto ist wieder frei",
      lines: [
        `Wer ${host} betreibt, hat dein Konto wieder frei gegeben. Deine Geräte machen von selbst weiter.`,
      ],
    }),
    "account-deleted": (host) => ({
      subject: "Dein Snug-Konto ist gelöscht",
      lines: [
        `Dein Konto bei ${host} ist fort, mit seinen Schlüsseln und allem, was auf dich wartete.`,
        "30 Tage lang kann niemand deinen Benutzernamen nehmen.",
        "Warst du das nicht, frag, wer den Server betreibt.",
      ],
    }),
  },
};
