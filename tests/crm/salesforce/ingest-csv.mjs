// The CSV of Bulk API 2.0: a strict reader for what clients upload and a writer
// for result files (Salesforce: Bulk API 2.0 ingest, CSV rules).

export const DELIMITERS = { COMMA: ',', TAB: '\t', SEMICOLON: ';', PIPE: '|', CARET: '^', BACKQUOTE: '`' };
export const LINE_ENDINGS = { LF: '\n', CRLF: '\r\n' };

const MAX_HEADER = 32000;
const MAX_FIELDS = 5000;
const MAX_FIELD = 131072;
const MAX_ROW = 400000;
const QUOTE = 34;
const LF = 10;
const CR = 13;

// Why a job as a whole ends as Failed: its errorMessage.
export class JobFailure extends Error {}

const badCsv = (why) => new JobFailure(`InvalidBatch : Failed to parse CSV. ${why}`);
const unescapedQuote = () => badCsv('Found unescaped quote. A value with quote should be within a quote');

class Reader {
  constructor(text, delimiter, ending, newlinesInValues) {
    this.text = text;
    this.at = 0;
    this.delimiter = DELIMITERS[delimiter].charCodeAt(0);
    this.ending = ending;
    this.newlinesInValues = newlinesInValues;
  }

  wrongEnding() {
    return new JobFailure(`ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is ${this.ending}`);
  }

  // A value in quotes; quotes inside it are doubled.
  quoted() {
    const from = this.at + 1;
    let end = this.text.indexOf('"', from);
    let doubled = false;
    while (end >= 0 && this.text.charCodeAt(end + 1) === QUOTE) {
      doubled = true;
      end = this.text.indexOf('"', end + 2);
    }
    if (end < 0) throw badCsv('Found an unclosed quote');
    this.at = end + 1;
    const value = this.text.slice(from, end);
    if (!this.newlinesInValues && this.hasOtherNewline(value)) throw this.wrongEnding();
    return doubled ? value.replaceAll('""', '"') : value;
  }

  hasOtherNewline(value) {
    return this.ending === 'LF' ? value.includes('\r') : /\r(?!\n)|(?<!\r)\n/.test(value);
  }

  plain() {
    const from = this.at;
    while (this.at < this.text.length) {
      const code = this.text.charCodeAt(this.at);
      if (code === this.delimiter || code === LF || code === CR) break;
      if (code === QUOTE) throw unescapedQuote();
      this.at++;
    }
    return this.text.slice(from, this.at);
  }

  // Steps over what follows a value; true when that ends the row.
  separator() {
    if (this.at >= this.text.length) return true;
    const code = this.text.charCodeAt(this.at);
    if (code === this.delimiter) {
      this.at++;
      return false;
    }
    if (code !== LF && code !== CR) throw unescapedQuote();
    const wanted = LINE_ENDINGS[this.ending];
    if (!this.text.startsWith(wanted, this.at)) throw this.wrongEnding();
    this.at += wanted.length;
    return true;
  }

  row() {
    const values = [];
    const from = this.at;
    do {
      values.push(this.text.charCodeAt(this.at) === QUOTE ? this.quoted() : this.plain());
    } while (!this.separator());
    if (this.at - from > MAX_ROW) throw badCsv(`A row is longer than ${MAX_ROW} characters`);
    return values;
  }
}

const isBlank = (values) => values.length === 1 && values[0] === '';

function checkRow(values, header, n) {
  if (values.length !== header.length) {
    throw new JobFailure(`InvalidBatch : Row ${n} has ${values.length} fields, the header has ${header.length}`);
  }
  if (values.some((value) => value.length > MAX_FIELD)) {
    throw new JobFailure(`InvalidBatch : A field of row ${n} is longer than ${MAX_FIELD} characters`);
  }
}

// {header, rows}. `newlinesInValues` false counts line breaks inside quotes as
// well, which some orgs do.
export function parseCsv(text, { delimiter, ending, newlinesInValues }) {
  const reader = new Reader(text, delimiter, ending, newlinesInValues);
  const header = reader.row();
  if (reader.at > MAX_HEADER) throw new JobFailure(`InvalidBatch : The header is longer than ${MAX_HEADER} characters`);
  if (header.length > MAX_FIELDS) throw new JobFailure(`InvalidBatch : There are more than ${MAX_FIELDS} fields`);
  const rows = [];
  while (reader.at < text.length) {
    const values = reader.row();
    if (header.length > 1 && isBlank(values)) continue;
    checkRow(values, header, rows.length + 1);
    rows.push(values);
  }
  return { header, rows };
}

const quote = (value) => `"${value.replaceAll('"', '""')}"`;

// Result files mix their quoting: the server's own heads are quoted, the
// client's are not unless they have to be, and of the values most are.
export function csvHead(own, names, job) {
  return [...own.map(quote), ...names.map((name) => (needsQuotes(name, job) ? quote(name) : name))].join(DELIMITERS[job.columnDelimiter]);
}

export function csvRow(values, job, n) {
  const out = values.map((value, i) => ((n + i) % 5 === 4 && !needsQuotes(value, job) ? value : quote(value)));
  return out.join(DELIMITERS[job.columnDelimiter]);
}

const needsQuotes = (value, job) => /["\r\n]|^\s|\s$/.test(value) || value.includes(DELIMITERS[job.columnDelimiter]);
