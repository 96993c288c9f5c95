#!/usr/bin/env node
import { createRequire } from 'node:module';
import { run } from './program.js';
import { report } from './report.js';

// What nobody caught is told like any other failure.
process.on('uncaughtException', (error) => process.exit(report(error)));

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
const code = await run(process.argv, version);
// Not left to the end of the event loop: an open stdin would keep the process.
process.stdout.write('', () => process.exit(code));
