import { limits } from "@rbee/contracts";

/** Puts frames into as few messages as the limits allow, in order. A single frame always goes, whatever its size. */
export function* bundles(frames: readonly string[]): Generator<string, void> {
  let bundle: string[] = [];
  // The brackets; each frame but the last brings a comma.
  let bytes = 2;
  for (const frame of frames) {
    const size = Buffer.byteLength(frame);
    if (bundle.length === limits.bundle_frames_max || (bundle.length > 0 && bytes + size > limits.bundle_bytes_max)) {
      yield messageOf(bundle);
      bundle = [];
      bytes = 2;
    }
    bundle.push(frame);
    bytes += size + 1;
  }
  if (bundle.length > 0) yield messageOf(bundle);
}

const messageOf = (bundle: readonly string[]): string =>
  bundle.length === 1 ? bundle.join() : `[${bundle.join(",")}]`;
