/** The module that the thread for background work runs. */
export const COMPUTE_ENTRY = new URL('./compute-worker.js', import.meta.url);
