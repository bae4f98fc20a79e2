/** The dialog that lets a contact into a room without a code. */
import type { Room } from "../types.ts";
import { openDialog } from "./dialog.ts";
import { makeField, makeForm } from "./fields.ts";
import { type MoreParts, outcomeOf } from "./more_parts.ts";

export function addSomebody(parts: MoreParts, { id }: Room, changed: (room: Room) => void): void {
  const { body, close } = openDialog("Add someone");
  const field = makeField({
    id: "add-username",
    label: "Username",
    hint: "They are in at once, and may leave whenever they like.",
    attributes: { autocapitalize: "none", spellcheck: "false", maxlength: 33 },
  });
  const { form } = makeForm("Add", field.parts, async () => {
    const username = field.input.value.trim().replace(/^@/, "").toLowerCase();
    if (username === "") return field.say("Whom would you like to add?");
    const outcome = await outcomeOf(parts, parts.tab.rooms.addMember(id, username));
    if (!outcome.ok) return field.say(outcome.words);
    close();
    changed(outcome.value);
  });
  body.append(form);
  field.input.focus();
}
