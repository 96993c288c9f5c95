import { existsSync } from 'node:fs';
import { millrace, objectsOf, Running, useFolder } from './support.js';

const folder = useFolder();
const START = Date.UTC(2024, 0, 1);

function ingest(file: string, ...args: string[]) {
  return millrace('ingest', file, '--dir', folder.path('data'), ...args);
}

async function events(stream: string): Promise<Record<string, unknown>[]> {
  const { stdout } = await millrace('tail', stream, '--dir', folder.path('data'), '--from', 'earliest', '--json');
  return objectsOf(stdout);
}

/** CSV with `rows` good rows. */
function readings(rows: number, from = 0): string {
  const lines = Array.from({ length: rows }, (_, at) => {
    const row = from + at;
    return `${START + row},dev-${row % 7},${row / 4},${row},${row % 2 === 0},${row % 3 ? '' : `"note ""${row}"", é"`}`;
  });
  return `ts,device,temperature,count,ok,note\n${lines.join('\n')}\n`;
}

describe('millrace ingest of CSV', () => {
  it('infers the types, and takes every row', async () => {
    const file = folder.write('readings.csv', readings(2_500));
    const { code, stdout, stderr } = await ingest(file, '--stream', 'readings', '--time', 'ts', '--key', 'device');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(
      'New stream readings: ts timestamp() as event time, device key(string()), temperature float64(), count int32(), ok bool(), note string().optional().',
    );
    expect(stdout).toMatch(/readings: 2,500 rows taken in .*, [\d,]+ rows\/s, lsn 1 to 2,500; none rejected\./);
    const found = await events('readings');
    expect(found).toHaveLength(2_500);
    expect(found[3]).toEqual({
      lsn: 4,
      ts: new Date(START + 3).toISOString(),
      device: 'dev-3',
      temperature: 0.75,
      count: 3,
      ok: false,
      note: 'note "3", é',
    });
    expect(existsSync(`${file}.rejected.csv`)).toBe(false);
  });

  it('writes rows that do not fit to a reject file, with line and reason', async () => {
    const bad = [
      'yesterday,a,1,1,true,',
      `${START},a,hot,1,true,`,
      `${START},a,1,1.5,true,"two\nlines"`,
      `${START},a,1,1,maybe,`,
      `${START},a,1,,true,`,
      `${START},a,1`,
    ];
    const file = folder.write('readings.csv', `${readings(1_200)}${bad.join('\n')}\n${START},last,1,1,true,end\n`);
    const { code, stdout } = await ingest(file, '--stream', 'readings', '--time', 'ts', '--key', 'device');
    expect(code).toBe(3);
    expect(stdout).toMatch(/1,201 rows taken.*; 6 rows rejected \(.*\), see \S*readings\.csv\.rejected\.csv\./);
    expect(folder.read('readings.csv.rejected.csv')).toBe(
      [
        'line,reason,ts,device,temperature,count,ok,note',
        `1202,"column ""ts"" is not a time: neither a number nor a date in ISO 8601",yesterday,a,1,1,true,`,
        `1203,"column ""temperature"" is not a number",${START},a,hot,1,true,`,
        `1204,"column ""count"" is not a whole number of 32 bits",${START},a,1,1.5,true,"two\nlines"`,
        `1206,"column ""ok"" is neither true nor false",${START},a,1,1,maybe,`,
        `1207,"column ""count"" is empty",${START},a,1,,true,`,
        `1208,has 3 cells where the header has 6,${START},a,1`,
        '',
      ].join('\n'),
    );
    expect((await events('readings')).at(-1)).toMatchObject({ device: 'last' });
  });

  it('keeps the schema of a stream that is there, and refuses a file that does not fit it', async () => {
    const first = folder.write('first.csv', readings(10));
    expect((await ingest(first, '--stream', 'readings', '--time', 'ts', '--key', 'device')).code).toBe(0);
    // Another order of columns, and values from which other types would be inferred.
    const second = folder.write('second.csv', `device,note,ok,count,temperature,ts\n1,2,true,3,4,${START}\n`);
    const again = await ingest(second, '--stream', 'readings');
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(again.stdout).not.toContain('New stream');
    expect((await events('readings')).at(-1)).toMatchObject({
      device: '1',
      note: '2',
      ok: true,
      count: 3,
      temperature: 4,
    });
    const other = folder.write('other.csv', `ts,device,place\n${START},a,b\n`);
    const refused = await ingest(other, '--stream', 'readings');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /does not fit stream "readings".*"place" is in the file only.*"temperature" is in the stream only/,
    );
    for (const args of [
      ['--time', 'count'],
      ['--key', 'note'],
      ['--types', 'count=string'],
    ])
      expect((await ingest(second, '--stream', 'readings', ...args)).code).toBe(1);
    expect(await events('readings')).toHaveLength(11);
  });

  it('takes types that are given', async () => {
    const file = folder.write(
      'typed.csv',
      `t;id;big;raw;blob\n2024-01-01 00:00:01;007;9007199254740993;"{""a"":[1]}";AAEC\n`,
    );
    const types = ['--types', 'id=string,big=int64?', '--types', 'raw=json,blob=bytes'];
    const { code, stderr } = await ingest(
      file,
      '--stream',
      's',
      '--time',
      't',
      '--key',
      'id',
      '--delimiter',
      ';',
      ...types,
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(await events('s')).toEqual([
      { lsn: 1, t: '2024-01-01T00:00:01.000Z', id: '007', big: '9007199254740993', raw: { a: [1] }, blob: 'AAEC' },
    ]);
  });

  it('costs a cell that is not UTF-8 its row only, and keeps its bytes', async () => {
    const rows = Buffer.concat([
      Buffer.from(`ts,name\n${START},caf`),
      Buffer.from([0xe9]),
      Buffer.from(`\n${START},café\n`),
    ]);
    const file = folder.write('latin.csv', rows);
    const { code } = await ingest(file, '--stream', 's', '--time', 'ts', '--reject', folder.path('bad.csv'));
    expect(code).toBe(3);
    expect((await events('s')).map(({ name }) => name)).toEqual(['café']);
    expect(folder.read('bad.csv')).toContain('cell 2 is not UTF-8');
  });

  it.each([
    ['an empty file', '', /There is no header row/],
    ['no rows', 'ts,v\n', /no row that can be read/],
    ['a column without a name', 'ts,,v\n1,2,3\n', /Column 2 of the file has no name/],
    ['two columns of one name', 'ts,v,v\n1,2,3\n', /Columns 2 and 3 of the file are both named "v"/],
    ['a name that is refused', 'ts,__proto__\n1,2\n', /"__proto__": its name is refused/],
    ['no times', 'ts,v\nsoon,2\nlater,3\n', /Column "ts" holds no times: it begins with "soon"/],
    ['UTF-16', Buffer.from('\ufeffts,v\n1,2\n', 'utf16le'), /UTF-16/],
    [
      'a quote that is never closed',
      `ts,v\n${START},a\n${START},"b\n${START},c\n`,
      /row that begins at line 3 has a quote that is never closed/,
    ],
  ])('refuses %s', async (_, text, message) => {
    const { code, stderr } = await ingest(folder.write('file.csv', text), '--stream', 's', '--time', 'ts');
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^millrace: \S*file\.csv: [^\n]*\n$/);
  });

  it('ends at a row of 64 MB with its line, after what came before', async () => {
    const file = folder.write('long.csv', `${readings(3_000)}${START},"${'x'.repeat(64 * 1024 * 1024)}`);
    const { code, stdout, stderr } = await ingest(file, '--stream', 's', '--time', 'ts');
    expect(code).toBe(1);
    expect(stderr).toMatch(/row that begins at line 3,002 is longer than 16 MiB/);
    expect(stdout).toMatch(/s: 3,000 rows taken/);
    expect(await events('s')).toHaveLength(3_000);
  });

  it('says what is wrong with the arguments for this file', async () => {
    const file = folder.write('file.csv', `ts,v\n${START},1.5\n`);
    for (const [args, message] of [
      [[], /say with --time/],
      [['--time', 'when'], /--time names the column "when", which the file has not/],
      [['--time', 'ts', '--key', 'w'], /--key names the column "w"/],
      [['--time', 'ts', '--key', 'v'], /Key column "v" looks like float64/],
      [['--time', 'ts', '--types', 'v=decimal'], /--types takes name=type pairs/],
      [['--time', 'ts', '--reject', file], /--reject names the file that is read/],
    ] as const) {
      const { code, stderr } = await ingest(file, '--stream', 's', ...args);
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
    }
  });
});

describe('millrace ingest of NDJSON', () => {
  const lines = Array.from({ length: 1_500 }, (_, at) =>
    JSON.stringify({
      at: new Date(START + at).toISOString(),
      id: `k${at % 3}`,
      value: at / 2,
      deep: { at },
      ...(at % 2 ? { odd: true } : {}),
    }),
  );

  it('takes good lines and rejects the others, with their numbers', async () => {
    const bad = [
      '{broken',
      '[1]',
      '{"at":"2024-02-30","id":"k","value":1,"deep":0}',
      `{"at":${START},"id":"k","value":1,"deep":0,"more":1}`,
    ];
    const file = folder.write('events.ndjson', [...lines, ...bad, '', lines[0]].join('\n'));
    const { code, stdout } = await ingest(file, '--stream', 'events', '--time', 'at', '--key', 'id');
    expect(code).toBe(3);
    expect(stdout).toContain('id key(string()), value float64(), deep json(), odd bool().optional()');
    expect(objectsOf(folder.read('events.ndjson.rejected.ndjson'))).toEqual([
      { line: 1_501, reason: 'is not JSON', text: bad[0] },
      { line: 1_502, reason: 'is not a JSON object', text: bad[1] },
      { line: 1_503, reason: 'column "at" is not a time: neither a number nor a date in ISO 8601', text: bad[2] },
      { line: 1_504, reason: 'has "more", which the stream has not', text: bad[3] },
    ]);
    const found = await events('events');
    expect(found).toHaveLength(1_501);
    expect(found[1]).toEqual({
      lsn: 2,
      at: new Date(START + 1).toISOString(),
      id: 'k1',
      value: 0.5,
      deep: { at: 1 },
      odd: true,
    });
  });

  it('reads stdin, and what tail writes', async () => {
    const first = new Running(
      ['ingest', '-', '--stream', 'a', '--time', 'at', '--dir', folder.path('data')],
      lines.join('\n'),
    );
    expect((await first.ended).code).toBe(0);
    const { stdout } = await millrace('tail', 'a', '--dir', folder.path('data'), '--from', 'earliest');
    const second = new Running(['ingest', '-', '--stream', 'b', '--time', 'at', '--dir', folder.path('data')], stdout);
    expect((await second.ended).code).toBe(0);
    const strip = (found: Record<string, unknown>[]) => found.map(({ lsn: _lsn, $lsn: _own, ...event }) => event);
    expect(strip(await events('b'))).toEqual(strip(await events('a')));
  });

  it('ends at a line that is too long', async () => {
    const file = folder.write('long.ndjson', `${lines[0]}\n{"at":"${'x'.repeat(20 * 1024 * 1024)}`);
    const { code, stderr } = await ingest(file, '--stream', 's', '--time', 'at');
    expect(code).toBe(1);
    expect(stderr).toMatch(/Line 2 is longer than 16 MiB/);
  });
});

it('keeps what was taken when it is stopped', async () => {
  const running = new Running(['ingest', '-', '--stream', 's', '--time', 'ts', '--dir', folder.path('data')]);
  running.child.stdin.write(readings(50_000));
  await running.says(/New stream/);
  const { code, stderr } = await running.kill('SIGINT');
  expect(code).toBe(130);
  expect(stderr).toBe('millrace: Stopped by SIGINT before the end of stdin.\n');
  const { stdout } = await millrace('--dir', folder.path('data'), '--duration', '10ms');
  expect(stdout).toMatch(/was closed in order/);
});
