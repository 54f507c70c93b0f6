// The life of a simulator that runs as a program of its own.

import { renameSync, writeFileSync } from 'node:fs';

// Listens, tells the port, and ends with a signal.
export async function serve(name, simulator, wanted, portFile) {
  const port = await simulator.listen(Number(wanted));
  if (portFile !== undefined) {
    // Readers wait for the file: it must appear with the number in it.
    const temporary = `${portFile}.${process.pid}`;
    writeFileSync(temporary, `${port}\n`);
    renameSync(temporary, portFile);
  }
  process.stdout.write(`${name} simulator listening on http://127.0.0.1:${port}\n`);
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.on(signal, () => simulator.close().then(() => process.exit(0)));
  return port;
}
