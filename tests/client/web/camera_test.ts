/** The camera of a page: off when it is said to be off, whatever was still on its way. */
import assert from "node:assert/strict";
import { Camera } from "../../../client/web/camera.ts";

/** A browser that asks for its permission every time, and what came of the cameras that it gave. */
function scene() {
  const asked: PromiseWithResolvers<MediaStream>[] = [];
  const running = new Set<number>();
  const said: string[] = [];
  const video = { hidden: true, play: () => Promise.resolve(), videoWidth: 0, videoHeight: 0 };
  const getUserMedia = () => {
    const answer = Promise.withResolvers<MediaStream>();
    asked.push(answer);
    return answer.promise;
  };
  const mediaDevices = { value: { getUserMedia }, configurable: true };
  Object.defineProperty(navigator, "mediaDevices", mediaDevices);
  let broken = false;
  const camera = new Camera({
    video: video as unknown as HTMLVideoElement,
    say: (words) => said.push(words),
    reader: () =>
      broken ? Promise.reject(new Error("not loaded")) : import("../../../client/web/qr_read.ts"),
    read: () => {},
  });
  /** The person says yes. */
  const allow = (at: number) => {
    running.add(at);
    const track = { stop: () => running.delete(at) };
    asked[at]!.resolve({ getTracks: () => [track] } as unknown as MediaStream);
  };
  const breakReader = () => broken = true;
  return { camera, allow, running, video, said, asked, breakReader };
}

Deno.test("a camera that is opened, closed and opened while the browser asks runs once, and not on", async () => {
  const { camera, allow, running, video } = scene();
  const first = camera.film();
  camera.stop();
  const second = camera.film();
  allow(0);
  await first;
  assert.deepEqual([...running], [], "the first was called off");
  allow(1);
  while (video.hidden) await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual([...running], [1]);
  camera.stop();
  await second;
  assert.deepEqual([[...running], video.hidden], [[], true]);
});

Deno.test("a camera that is refused after it was closed says nothing any more", async () => {
  const { camera, asked, said } = scene();
  const filming = camera.film();
  camera.stop();
  asked[0]!.reject(new Error("no"));
  await filming;
  assert.deepEqual(said, ["Starting the camera…"]);
});

Deno.test("a camera for which nothing can be read does not run on", async () => {
  const { camera, allow, running, breakReader } = scene();
  breakReader();
  const filming = camera.film();
  allow(0);
  await assert.rejects(filming, /not loaded/);
  assert.deepEqual([...running], []);
});
