// Looking at processes through /proc: whose they are, what they do, how much memory they take.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function one(pid) {
  const stat = read(`/proc/${pid}/stat`);
  const end = stat.lastIndexOf(')');
  if (end < 0) return null;
  const [state, parent] = stat.slice(end + 2).split(' ');
  return { pid, parent: Number(parent), name: stat.slice(stat.indexOf('(') + 1, end), isDead: state === 'Z' || state === 'X' };
}

export function all() {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => one(Number(name)))
    .filter((process) => process !== null && !process.isDead);
}

export const isAlive = (pid) => {
  const process = one(pid);
  return process !== null && !process.isDead;
};

function program(pid) {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
  } catch {
    return '';
  }
}

// Environment and arguments name the data directory of a process that belongs to it.
function belongs(pid, dataDir) {
  return read(`/proc/${pid}/cmdline`).split('\0').includes(dataDir)
    || read(`/proc/${pid}/environ`).split('\0').includes(`BILLHOOK_DIR=${dataDir}`);
}

// Started by a person or a test with arguments, not by a web server.
const isVerb = (pid) => read(`/proc/${pid}/cmdline`).split('\0').length > 2;

/*
 * The processes of one Billhook: those that run this very program file on this
 * very data directory.  A front pool that the web server started is "manager"
 * and its children "front"; of `billhook serve`, "pool" and "front".
 */
export function billhookProcesses(binaryPath, dataDir) {
  const ours = new Map(all().filter((p) => program(p.pid) === binaryPath && belongs(p.pid, dataDir)).map((p) => [p.pid, p]));
  for (const process of ours.values()) {
    const parent = ours.get(process.parent);
    const ownRole = process.name.startsWith('bh-') ? process.name.slice(3) : '';
    if (ownRole === 'front') process.role = parent?.name === 'bh-front' ? 'front' : 'pool';
    else if (ownRole !== '') process.role = ownRole;
    else if (parent !== undefined) process.role = 'front';
    else process.role = isVerb(process.pid) ? 'verb' : 'manager';
  }
  return [...ours.values()];
}

// Proportional set size, KiB.
export function memory(pids) {
  let sum = 0;
  for (const pid of pids) {
    const found = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`));
    if (found) sum += Number(found[1]);
  }
  return sum;
}

// Processor time used so far, ms.
export function cpu(pid) {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.length < 13 ? 0 : (Number(fields[11]) + Number(fields[12])) * 10;
}
