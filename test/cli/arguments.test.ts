import { millrace, useFolder } from './support.js';

const folder = useFolder();

it.each([
  [['nonsense'], /There is no command "nonsense"/],
  [['monitor', 'extra'], /There is no command "extra"/],
  [['--nonsense'], /unknown option '--nonsense'/],
  [['--every', '0ms'], /--every .* must be a duration/],
  [['--every', 'often'], /--every .* must be a duration/],
  [['--level', 'byrl'], /Allowed choices are sync, flush, off/],
  [['--vgroups', '64'], /whole number from 1 to 63/],
  [['--vgroups', '1.5'], /whole number from 1 to 63/],
  [['ingest', '--stream', 's'], /missing required argument 'file'/],
  [['ingest', 'x.csv'], /required option '--stream <name>' not specified/],
  [['ingest', 'x.csv', '--stream', 's', '--format', 'xml'], /Allowed choices are csv, ndjson/],
  [['ingest', 'x.csv', '--stream', 's', '--delimiter', 'ab'], /one ASCII character/],
  [['ingest', 'x.csv', '--stream', 's', '--level', 'off'], /Allowed choices are sync, flush/],
  [['tail'], /missing required argument 'stream'/],
  [['tail', 's', '--from', 'yesterday'], /earliest, latest or an lsn/],
  [['tail', 's', '--lines', '-1'], /whole number/],
  [['inspect'], /missing required argument 'path'/],
  [['inspect', 'x', '--limit', 'all'], /whole number/],
])('%j is misuse', async (args, message) => {
  const { code, stdout, stderr } = await millrace(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^millrace: [^\n]*\n$/);
});

it.each([
  [['tail', 's', '--dir', 'nowhere'], /There is no mill in \S*nowhere.*\(NOT_A_MILL\)/],
  [['inspect', 'nowhere'], /cannot open \S*nowhere: there is no such file or directory \(ENOENT\)/],
  [['ingest', 'nowhere.csv', '--stream', 's', '--time', 't'], /cannot open .*there is no such file.*\(ENOENT\)/],
  [['ingest', '.', '--stream', 's', '--time', 't'], /cannot open .*it is a directory \(EISDIR\)/],
  [['--dir', 'file'], /^millrace: .*\(IO\)/],
])('%j fails in one line, without a stack', async (args, message) => {
  folder.write('file', 'not a directory');
  const inFolder = args.map((arg) => (/^(nowhere|file|\.$)/.test(arg) ? folder.path(arg) : arg));
  const { code, stderr } = await millrace(...inFolder);
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^millrace: [^\n]*\n$/);
});

it('shows where an error comes from when it is asked to', async () => {
  process.env.MILLRACE_DEBUG = '1';
  try {
    const { stderr } = await millrace('tail', 's', '--dir', folder.path('nowhere'));
    expect(stderr).toMatch(/\n\s+at /);
  } finally {
    delete process.env.MILLRACE_DEBUG;
  }
});

it('tells its version and its help', async () => {
  expect((await millrace('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const help = await millrace('--help');
  expect(help.code).toBe(0);
  for (const command of ['monitor', 'ingest', 'tail', 'inspect', 'verify', 'Exit codes'])
    expect(help.stdout).toContain(command);
  for (const command of ['monitor', 'ingest', 'tail', 'inspect', 'verify'])
    expect((await millrace(command, '--help')).code).toBe(0);
});
