// The command line that the simulators share:
//   --port N (0: any free one)  --port-file FILE  --settings JSON  --load FILE

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Host } from './host.mjs';

export async function runCommand(System) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      'port-file': { type: 'string' },
      settings: { type: 'string', default: '{}' },
      load: { type: 'string' },
    },
  });
  const system = new System(JSON.parse(values.settings));
  if (values.load !== undefined) system.load(JSON.parse(readFileSync(values.load, 'utf8')));
  const host = new Host(system);
  const port = await host.listen(Number(values.port));
  if (values['port-file'] !== undefined) {
    // Readers wait for the file: it must appear with the number in it.
    const temporary = `${values['port-file']}.${process.pid}`;
    writeFileSync(temporary, `${port}\n`);
    renameSync(temporary, values['port-file']);
  }
  process.stdout.write(`${system.name} simulator listening on http://127.0.0.1:${port}\n`);
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.on(signal, () => host.close().then(() => process.exit(0)));
}
