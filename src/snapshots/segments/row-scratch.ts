/** row-sums.wat. */
const MODULE =
  'AGFzbQEAAAABDQJgAn5+AX5gAn9/AX4DBQQAAAEBBQMBABAHEAIGbWVtb3J5AgADc3VtAAMK9QMEIQAgACABQs/W077Sx6vZQn58Qh+JQoeVr6+Y' +
  'tt6bnn9+CyMAIABCACABEACFQoeVr6+Ytt6bnn9+QuPcypX8zvL1hX98C/QCAgF/BX4gACABaiECIAFBIE8EQELW64Lu6v2J9eAAIQRCz9bTvtLH' +
  'q9lCIQVC+erQ0OfJoeThACEHA0AgBCAAKQMAEAAhBCAFIAApAwgQACEFIAYgACkDEBAAIQYgByAAKQMYEAAhByAAQSBqIQAgAiAAa0EgTw0ACyAE' +
  'QgGJIAVCB4l8IAZCDIkgB0ISiXx8IQMgAyAEEAEhAyADIAUQASEDIAMgBhABIQMgAyAHEAEhAwVCxc/ZsvHluuonIQMLIAMgAa18IQMCQANAIAIg' +
  'AGtBCEkNASADQgAgACkDABAAhUIbiUKHla+vmLbem55/fkLj3MqV/M7y9YV/fCEDIABBCGohAAwACwsgACACSQRAIAMgADUCAEKHla+vmLbem55/' +
  'foVCF4lCz9bTvtLHq9lCfkL5893xmfaZqxZ8IQMLIAMgA0IhiIVCz9bTvtLHq9lCfiEDIAMgA0IdiIVC+fPd8Zn2masWfiEDIAMgA0IgiIULNwIB' +
  'fwF+AkADQCAAIAFPDQEgACgCACECIABBBGohACADIAAgAhACfCEDIAAgAmohAAwACwsgAws=';

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  /** The sum of the hashes of the rows at `from` up to before `to`, in bytes. */
  sum(from: number, to: number): bigint;
}

/** Node has it; the types of the language alone do not. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

const PAGE_BYTES = 65_536;
/** Rows are hashed when so much of them is there: it is in the processor's nearest cache still. */
const FULL_WORDS = 4096;

/**
 * Rows one after the other, hashed many at a time. The hash is WebAssembly, and this its memory: there is one for all who
 * use it, each of whom is through with it before another comes.
 */
export class RowScratch {
  words: Uint32Array;
  bytes: Uint8Array;
  private total = 0n;

  private constructor(private readonly exports: Exports) {
    this.words = new Uint32Array(exports.memory.buffer);
    this.bytes = new Uint8Array(exports.memory.buffer);
  }

  private static shared: RowScratch | undefined;

  /** For new rows. */
  static empty(): RowScratch {
    const scratch = (RowScratch.shared ??= new RowScratch(instance()));
    scratch.total = 0n;
    return scratch;
  }

  /** Makes room for so many words in all; what is there stays. */
  room(count: number): void {
    if (count <= this.words.length) return;
    const { memory } = this.exports;
    memory.grow(Math.ceil((count * 4 - memory.buffer.byteLength) / PAGE_BYTES));
    this.words = new Uint32Array(memory.buffer);
    this.bytes = new Uint8Array(memory.buffer);
  }

  /** Ends the row whose length belongs at `start`, which goes up to before `end`, both in words. Gives where the next one starts. */
  endRow(start: number, end: number): number {
    this.words[start] = (end - start - 1) * 4;
    if (end < FULL_WORDS) return end;
    this.take(end);
    return 0;
  }

  /** The sum of all rows; the last one went up to before `end`. */
  sum(end: number): bigint {
    this.take(end);
    return BigInt.asUintN(64, this.total);
  }

  private take(end: number): void {
    this.total += this.exports.sum(0, end * 4);
  }
}

function instance(): Exports {
  const module = new WebAssembly.Module(Buffer.from(MODULE, 'base64'));
  return new WebAssembly.Instance(module).exports as Exports;
}
