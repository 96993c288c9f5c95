import { EXIT } from './report.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * One Ctrl-C under `npm start` may arrive twice: from the terminal, and passed on by npm. What comes this soon after the
 * first is the same one.
 */
const SAME_SIGNAL_MS = 500;

/** How often it is looked whether the shell of `npm start` is still there. */
const PARENT_MS = 500;

/**
 * Calls `stop` at the first signal that asks to end; a second one ends the process at once. The returned function takes
 * the handlers away.
 */
export function onStopSignal(stop: (signal: string) => void): () => void {
  let stoppedAt: number | null = null;
  const handle = (signal: string) => {
    const now = performance.now();
    if (stoppedAt === null) {
      stoppedAt = now;
      stop(signal);
    } else if (now - stoppedAt > SAME_SIGNAL_MS) {
      process.exit(EXIT.interrupted);
    }
  };
  for (const signal of SIGNALS) process.on(signal, handle);
  const release = onShellGone(() => stop('SIGTERM'));
  return () => {
    for (const signal of SIGNALS) process.off(signal, handle);
    release();
  };
}

/**
 * npm starts a shell that starts this process, and passes a signal that was sent to npm alone on to the shell, which dies
 * of it and tells nobody. Without this the process would go on, with no one left who could end it.
 */
function onShellGone(gone: () => void): () => void {
  if (process.env.npm_lifecycle_event === undefined) return () => {};
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    gone();
  }, PARENT_MS);
  timer.unref();
  return () => clearInterval(timer);
}
