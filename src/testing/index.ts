/** For tests of programs that use millrace: a disk that forgets, tears and fails on command, and a clock that is stepped. */
export { seededRandom } from '../storage/random.js';
export type { Fault } from '../storage/simulated-faults.js';
export { SimulatedStorage, type SimulatedStorageOptions } from '../storage/simulated-storage.js';
export { SimulatedCompute } from './simulated-compute.js';
export { VirtualClock } from './virtual-clock.js';
