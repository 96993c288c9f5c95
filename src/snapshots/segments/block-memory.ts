/** Less is not worth being kept. */
const KEPT_BYTES_MIN = 64 * 1024;

/**
 * Memory for blocks that are read, or made, one after the other. Fresh memory for each would have the garbage collector go through the
 * whole heap every few dozen megabytes of it; so what one block had is used for a later one, once it is given back.
 */
export class BlockMemory {
  private free: ArrayBuffer[] = [];

  /** Memory for one block. */
  loan(): Loan {
    return new Loan(
      (length) => this.taken(length),
      (buffers) => this.put(buffers),
    );
  }

  /** What nobody uses any more; in place of what was not wanted since the last time, so that there is never more than a block has. */
  put(buffers: ArrayBuffer[]): void {
    this.free = buffers;
  }

  private taken(length: number): ArrayBuffer | undefined {
    let best = -1;
    this.free.forEach(({ byteLength }, at) => {
      if (byteLength >= length && (best < 0 || byteLength < this.free[best]!.byteLength)) best = at;
    });
    return best < 0 ? undefined : this.free.splice(best, 1)[0];
  }
}

/** The memory of one block, or of a job's. What is in it at first may be anything. */
export class Loan {
  private buffers: ArrayBuffer[] = [];

  constructor(
    private readonly find: (length: number) => ArrayBuffer | undefined,
    private readonly back: (buffers: ArrayBuffer[]) => void,
  ) {}

  take(length: number): Uint8Array<ArrayBuffer> {
    if (length < KEPT_BYTES_MIN) return new Uint8Array(length);
    const buffer = this.find(length) ?? Buffer.allocUnsafeSlow(roundedUp(length)).buffer;
    this.buffers.push(buffer);
    return new Uint8Array(buffer, 0, length);
  }

  /** From now on, others write there. Where this is never said, the garbage collector takes it. */
  giveBack(): void {
    if (this.buffers.length > 0) this.back(this.buffers);
    this.buffers = [];
  }
}

/** The same columns of two blocks differ by a page or two. */
function roundedUp(length: number): number {
  return Math.ceil(length / KEPT_BYTES_MIN) * KEPT_BYTES_MIN;
}
