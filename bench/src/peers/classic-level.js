import { join } from 'node:path';

/** LevelDB with rising keys and JSON values; a chained batch, which is faster than an array, written with `sync`. */
export const classicLevel = {
  name: 'classic-level',
  how: 'a batch with sync: true, values as JSON',
  inFlight: [1, 256],
  async load() {
    const { ClassicLevel } = await import('classic-level');
    return async (directory) => {
      const database = new ClassicLevel(join(directory, 'readings'), { valueEncoding: 'json' });
      await database.open();
      let next = 0;
      return {
        write(rows) {
          const batch = database.batch();
          for (const row of rows) batch.put(String(next++).padStart(12, '0'), row);
          return batch.write({ sync: true });
        },
        close: () => database.close(),
      };
    };
  },
};
