/**
 * For tests of programs that use millrace: a whole mill in virtual time, with marbles in which `!` is a crash; a comparison of every crash
 * with the run that never crashed; and what these are made of: a disk that forgets, tears and fails on command, and a clock that is stepped.
 */
export { seededRandom } from '../storage/random.js';
export type { Fault } from '../storage/simulated-faults.js';
export { SimulatedStorage, type SimulatedStorageOptions } from '../storage/simulated-storage.js';
export type { CrashOptions, PipelineCrashOptions, SourceEvent } from './crash-options.js';
export { type CrashesTried, expectSameAfterCrash } from './expect-same-after-crash.js';
export type { Emission } from './live-recorder.js';
export { type Crash, type MillLife, type MillOptions, type MillRun, mill } from './mill.js';
export type { Kept } from './observed.js';
export { SimulatedCompute } from './simulated-compute.js';
export type { Row, SimulatedOptions } from './simulated-life.js';
export { VirtualClock } from './virtual-clock.js';
