/** Shorter frames are cheaper to make anew. */
const POOLED_BYTES_MIN = 256 * 1024;
const ROUNDED_TO_BYTES = 1024 * 1024;
const FREE_MAX = 3;

/**
 * Memory for large frames, used again once their commit is applied: fresh memory of megabytes costs more time than
 * filling it. Nothing that outlives a commit's turns may look into its bytes; rows are made of copies.
 */
export class FramePool {
  private readonly free: Buffer<ArrayBuffer>[] = [];

  take(length: number): Buffer<ArrayBuffer> {
    if (length < POOLED_BYTES_MIN) return Buffer.allocUnsafeSlow(length);
    const at = this.free.findIndex((buffer) => buffer.length >= length && buffer.length <= length * 4);
    const rounded = Math.ceil(length / ROUNDED_TO_BYTES) * ROUNDED_TO_BYTES;
    const buffer = at < 0 ? Buffer.allocUnsafeSlow(rounded) : this.free.splice(at, 1)[0]!;
    return buffer.subarray(0, length);
  }

  /** Takes back the memory of a frame that nobody looks at any more. */
  giveBack(frame: Uint8Array): void {
    if (frame.length < POOLED_BYTES_MIN) return;
    if (this.free.length === FREE_MAX) this.free.shift();
    this.free.push(Buffer.from(frame.buffer as ArrayBuffer));
  }
}
