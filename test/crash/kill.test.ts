import { Agent, rowsOf, temporaryDirectory } from './agent.js';

/** Real processes, really killed, in all four tests together. */
const ROUNDS = Number(process.env.MILLRACE_KILL_ROUNDS ?? 30);

/** Ids of different rounds never meet. */
const IDS_PER_ROUND = 1_000_000;

describe.each([
  { level: 'sync', vgroups: 1 },
  { level: 'sync', vgroups: 4 },
  { level: 'flush', vgroups: 1 },
  { level: 'flush', vgroups: 4 },
])('kill -9 at level $level with $vgroups VGroups', ({ level, vgroups }) => {
  const rounds = Math.ceil(ROUNDS / 4);
  const directory = temporaryDirectory();
  // Checkpoints all the time, and merges after some of them.
  const options = { walLevel: level, vgroups, logFileBytes: 65_536, commitEventsMax: 64, checkpointInterval: 40 };

  test(`loses nothing that was acknowledged, in ${rounds} rounds`, async () => {
    const promised = new Map<number, number>();
    let known: { id: number; lsn: number }[] = [];
    for (let round = 0; round <= rounds; round++) {
      const agent = new Agent();
      const ended = live(agent, round);
      // Most die while they write, some while they start, the last one not at all.
      if (round === rounds) await ended;
      else if (Math.random() < 0.2) await killSoon(agent, 60 + Math.random() * 150);
      else await ended.then(() => killSoon(agent, Math.random() * 250));
      await ended.catch(() => {});
      if (agent.heard('read').length === 1) known = compared(rowsOf(agent), known, promised);
      noteAcknowledged(agent, promised);
      if (round === rounds) await agent.end();
    }
    expect(promised.size).toBeGreaterThan(0);
    expect(known.length).toBeGreaterThanOrEqual(promised.size);
  }, 120_000);

  async function live(agent: Agent, round: number): Promise<void> {
    await agent.does('start', 'live', { directory, options });
    await agent.does('read', 'read');
    if (round === rounds) await agent.does('close', 'closed');
    else agent.send('write', { from: round * IDS_PER_ROUND, appenders: 5 });
  }
});

async function killSoon(agent: Agent, milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  await agent.kill();
}

/** What a new process found: what was found before, then more, in order and once, and all that was acknowledged. */
function compared(
  rows: { id: number; lsn: number }[],
  known: readonly { id: number; lsn: number }[],
  promised: ReadonlyMap<number, number>,
): { id: number; lsn: number }[] {
  expect(rows.slice(0, known.length)).toEqual(known);
  rows.forEach(({ lsn }, at) => {
    if (at > 0 && rows[at - 1]!.lsn >= lsn) throw new Error(`lsn ${lsn} stands behind ${rows[at - 1]!.lsn}`);
  });
  const lsnOf = new Map(rows.map(({ id, lsn }) => [id, lsn]));
  expect(lsnOf.size).toBe(rows.length);
  for (const [id, lsn] of promised)
    if (lsnOf.get(id) !== lsn)
      throw new Error(`event ${id} was acknowledged at lsn ${lsn}, and is at ${lsnOf.get(id)}`);
  return rows;
}

function noteAcknowledged(agent: Agent, promised: Map<number, number>): void {
  for (const [, id, lsn] of agent.heard('ack')) promised.set(Number(id), Number(lsn));
  for (const [, first, count, firstLsn, lastLsn] of agent.heard('acks')) {
    promised.set(Number(first), Number(firstLsn));
    promised.set(Number(first) + Number(count) - 1, Number(lastLsn));
  }
}
