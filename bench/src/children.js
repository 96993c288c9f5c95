import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Runs a module of the scenarios in a process of its own. Gives the last thing that it told, once it has ended.
 *
 * @param isKilled whether it is killed as soon as it tells something
 */
export function runChild(module, args, { isKilled = false } = {}) {
  return new Promise((resolve, reject) => {
    let told;
    const child = fork(fileURLToPath(new URL(`scenarios/${module}`, import.meta.url)), args.map(String), {
      execArgv: ['--expose-gc'],
    });
    child.on('message', (message) => {
      told = message;
      if (isKilled) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (told !== undefined && (isKilled ? signal === 'SIGKILL' : code === 0)) resolve(told);
      else reject(new Error(`${module} ended: ${code ?? signal}`));
    });
  });
}
