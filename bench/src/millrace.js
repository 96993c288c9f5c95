import { join } from 'node:path';
import { float64, int32, key, Millrace, string, timestamp } from '../../dist/index.js';

export const schema = {
  ts: timestamp(),
  device: key(string()),
  temperature: float64(),
  humidity: float64(),
  status: int32(),
};

/** A mill with the workload's stream; by default with default options: level sync, one VGroup. */
export async function openMill(directory, options = {}) {
  const mill = new Millrace(join(directory, 'mill'), options);
  const readings = mill.stream('readings', { schema });
  await mill.start();
  return { mill, readings };
}
