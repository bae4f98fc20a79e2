/** The dialog where moderators change what a room is called, what it is about, how it looks and who may come in. */
import type { Newcomers, Outcome, Room } from "../types.ts";
import { avatar, roomAvatar } from "./avatar.ts";
import { openDialog } from "./dialog.ts";
import { button, el, fill } from "./dom.ts";
import { makeField, makeForm, makeTextField } from "./fields.ts";
import { type MoreParts, outcomeOf } from "./more_parts.ts";
import { NAMELESS_ROOM, plainName } from "./names.ts";
import { smallPicture } from "./picture_file.ts";

const WAYS: readonly (readonly [Newcomers, string, string])[] = [
  ["open", "Anybody with the code", "They are in at once."],
  ["approve", "Whom a moderator approves", "The code lets them ask."],
  ["closed", "Nobody", "The code opens nothing for now."],
];

export function openRoomSettings(
  parts: MoreParts,
  room: Room,
  changed: (room: Room) => void,
): void {
  const { body, close } = openDialog("Room settings");
  const name = makeField({
    id: "room-name",
    label: "Name",
    attributes: { maxlength: 128, value: room.name },
  });
  const topic = makeTextField({
    id: "room-topic",
    label: "Topic",
    hint: "What it is about. Those with the code see it before they join.",
    attributes: { maxlength: 512 },
  });
  topic.input.value = room.topic;
  const picture = pictureField(room);
  const ways = newcomersField(room.newcomers);
  const { form } = makeForm("Save", [
    ...picture.parts,
    ...name.parts,
    ...topic.parts,
    ways.group,
  ], async () => {
    if (name.input.value.trim() === "") return name.say("A room needs a name.");
    const wanted = {
      name: name.input.value.trim(),
      topic: topic.input.value.trim(),
      picture: picture.chosen(),
      newcomers: ways.chosen(),
    };
    const outcome = await outcomeOf(parts, save(parts, room, wanted));
    if (!outcome.ok) return name.say(outcome.words);
    close();
    changed(outcome.value);
  });
  body.append(form);
  name.input.focus();
}

interface Wanted extends Pick<Room, "name" | "topic" | "newcomers"> {
  /** Undefined: as it is. */
  readonly picture: Uint8Array | null | undefined;
}

/** Only what is different: each is an entry of the room's log, which everybody sees. */
async function save({ tab }: MoreParts, room: Room, wanted: Wanted): Promise<Outcome<Room>> {
  const { rooms } = tab;
  const steps: (() => Promise<Outcome<Room>>)[] = [];
  const { name, topic, picture, newcomers } = wanted;
  if (name !== room.name) steps.push(() => rooms.renameRoom(room.id, name));
  if (topic !== room.topic) steps.push(() => rooms.setTopic(room.id, topic));
  if (picture !== undefined) steps.push(() => rooms.setPicture(room.id, picture));
  if (newcomers !== room.newcomers) steps.push(() => rooms.setNewcomers(room.id, newcomers));
  let last: Outcome<Room> = { ok: true, value: room };
  for (const step of steps) {
    last = await step();
    if (!last.ok) return last;
  }
  return last;
}

function pictureField(room: Room) {
  let chosen: Uint8Array | null | undefined;
  const name = plainName(room.name, NAMELESS_ROOM);
  const shown = el("div", { class: "picture-shown" });
  const line = el("p", { class: "field-words", role: "status" });
  const file = el("input", {
    id: "room-picture",
    type: "file",
    class: "sr",
    accept: "image/png,image/jpeg,image/webp,image/gif,image/avif",
  });
  const show = (picture: Uint8Array | null) =>
    fill(shown, picture ? roomAvatar("chosen", name, picture) : avatar(room.id, name));
  const choose = (picture: Uint8Array | null, words: string) => {
    chosen = picture;
    line.textContent = words;
    show(picture);
  };
  file.addEventListener("change", async () => {
    const [picked] = file.files ?? [];
    if (picked === undefined) return;
    const small = await smallPicture(picked);
    if (small === null) line.textContent = "That is no picture this browser can read.";
    else choose(small, "This is how small it is sent; save to send it.");
  });
  show(room.picture);
  const parts = [
    el(
      "div",
      { class: "picture-field" },
      shown,
      el("label", { for: "room-picture", class: "secondary" }, "Choose a picture"),
      file,
      button("secondary", "No picture", () => choose(null, "Save to take the picture away.")),
    ),
    line,
  ];
  return { parts, chosen: () => chosen };
}

function newcomersField(now: Newcomers) {
  const options = WAYS.map(([way, words, about]) => {
    const radio = el("input", { type: "radio", name: "newcomers", value: way, id: `way-${way}` });
    radio.checked = way === now;
    const label = el("label", { for: radio.id }, words, el("span", { class: "about" }, about));
    return { way, radio, row: el("div", { class: "choice" }, radio, label) };
  });
  const group = el(
    "fieldset",
    { class: "choices" },
    el("legend", {}, "Who may come in"),
    ...options.map(({ row }) => row),
  );
  return { group, chosen: () => options.find(({ radio }) => radio.checked)?.way ?? now };
}
