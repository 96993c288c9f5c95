/** A line of the view. */
export interface Line {
  readonly text: string;
  readonly style?: 'bold' | 'dim';
}

const ESCAPE = '\x1b[';
const HIDE_CURSOR = `${ESCAPE}?25l`;
const SHOW_CURSOR = `${ESCAPE}?25h`;
/** Without automatic wrap, a line that is wider than was thought is cut by the terminal and never takes two rows. */
const NO_WRAP = `${ESCAPE}?7l`;
const WRAP = `${ESCAPE}?7h`;
const CLEAR_TO_END_OF_LINE = `${ESCAPE}K`;
const CLEAR_BELOW = `${ESCAPE}J`;
const CLEAR_ALL = `${ESCAPE}H${ESCAPE}2J`;
const STYLES = { bold: `${ESCAPE}1m`, dim: `${ESCAPE}2m` } as const;
const PLAIN = `${ESCAPE}0m`;

/**
 * Draws lines over the ones that it drew before: one write for all, each line cleared behind its text rather than before
 * it, so that nothing flickers. What was on the terminal above stays.
 */
export class Screen {
  private drawn = 0;
  private isBroken = false;
  private isOpen = false;
  private readonly resized = () => (this.isBroken = true);
  /** However the process ends, but for a kill, the terminal has its cursor again. */
  private readonly exiting = () => this.close();

  constructor(private readonly stream: NodeJS.WriteStream) {}

  get columns(): number {
    return this.stream.columns || 80;
  }

  get rows(): number {
    return this.stream.rows || 24;
  }

  draw(lines: readonly Line[]): void {
    const colors = this.stream.hasColors?.() ?? false;
    const texts = lines.map(({ text, style }) => {
      const { clipped, width } = clip(text, this.columns);
      // Behind a full line the cursor stands on its last character, and clearing would take that away.
      const clear = width < this.columns ? CLEAR_TO_END_OF_LINE : '';
      return `${colors && style ? `${STYLES[style]}${clipped}${PLAIN}` : clipped}${clear}\n`;
    });
    this.stream.write(`${this.open()}${this.home()}\r${texts.join('')}${CLEAR_BELOW}`);
    this.drawn = lines.length;
  }

  /** Gives the terminal back as it was; the last view stays on it. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.stream.off('resize', this.resized);
    process.off('exit', this.exiting);
    // A Ctrl-C stands at the cursor as ^C.
    this.stream.write(`\r${CLEAR_TO_END_OF_LINE}${WRAP}${SHOW_CURSOR}`);
  }

  private open(): string {
    if (this.isOpen) return '';
    this.isOpen = true;
    this.stream.on('resize', this.resized);
    process.on('exit', this.exiting);
    return `${HIDE_CURSOR}${NO_WRAP}`;
  }

  /** After a change of size the terminal may have broken the lines anew: nobody knows where they stand. */
  private home(): string {
    if (this.isBroken) {
      this.isBroken = false;
      return CLEAR_ALL;
    }
    return this.drawn === 0 ? '' : `${ESCAPE}${this.drawn}A`;
  }
}

/** The beginning of a text that fits into so many columns, and how many it takes. */
export function clip(text: string, columns: number): { clipped: string; width: number } {
  let width = 0;
  let clipped = '';
  for (const character of text.replace(/\p{Cc}/gu, '?')) {
    const more = widthOf(character);
    if (width + more > columns) break;
    width += more;
    clipped += character;
  }
  return { clipped, width };
}

/** Marks that are put over the character before them take no column, East Asian characters and pictures take two. */
function widthOf(character: string): number {
  if (/\p{M}/u.test(character)) return 0;
  const code = character.codePointAt(0)!;
  const isWide =
    code >= 0x1100 &&
    (code <= 0x115f ||
      (code >= 0x2e80 && code <= 0xa4cf) ||
      (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) ||
      (code >= 0xfe30 && code <= 0xfe6f) ||
      (code >= 0xff00 && code <= 0xff60) ||
      (code >= 0x1f300 && code <= 0x1faff) ||
      code >= 0x20000);
  return isWide ? 2 : 1;
}
