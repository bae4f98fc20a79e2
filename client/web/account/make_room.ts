/** The question which of eight devices makes room for this browser: a dialog over the sign-in. */
import type { DeviceId } from "../../../protocol/ids.ts";
import type { OwnDevice } from "../../types.ts";
import { need } from "./page.ts";

const DAY_MS = 86_400_000;
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });

/** Resolves to the chosen device, or null when the person turns back, or this page has no such dialog. */
export function askForRoom(devices: readonly OwnDevice[]): Promise<DeviceId | null> {
  const dialog = document.querySelector<HTMLDialogElement>("#make-room");
  if (!dialog) return Promise.resolve(null);
  const form = need<HTMLFormElement>("form", dialog);
  need("[data-choices]", form).replaceChildren(
    ...devices.map((device, at) => choice(device, at === 0)),
  );
  need<HTMLButtonElement>("[data-back]", form).onclick = () => dialog.close();
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      const { value } = need<HTMLInputElement>("input:checked", form);
      dialog.close(devices.find(({ device }) => device === value)?.device ?? "");
    };
    dialog.onclose = () => {
      const chosen = devices.find(({ device }) => device === dialog.returnValue);
      resolve(chosen?.device ?? null);
    };
    dialog.returnValue = "";
    dialog.showModal();
  });
}

function choice({ device, kind, name, seen, made }: OwnDevice, first: boolean): HTMLElement {
  const label = document.createElement("label");
  label.className = "row-line";
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "device", value: device, checked: first });
  const words = document.createElement("span");
  words.className = "row-words";
  const [called, day] = [document.createElement("strong"), document.createElement("span")];
  called.textContent = name || (kind === "browser" ? "Browser" : "Terminal");
  called.dir = "auto";
  day.textContent = `Last here ${DAY.format((seen ?? made) * DAY_MS)}`;
  words.append(called, day);
  label.append(input, words);
  return label;
}
