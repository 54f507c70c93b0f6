// XML as a SOAP body may hold it: one element tree with namespaces, without
// DTD and without processing instructions. What is not well-formed is refused
// with the place of the fault; nothing is repaired.

const NAME = /[A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff][\w.\-\u00b7\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u036f]*(?::[A-Za-z_][\w.\-]*)?/y;
const DECLARATION = /<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')(?:\s+encoding\s*=\s*(?:"([^"]*)"|'([^']*)'))?(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>/y;
const BAD_CHARACTER = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const MAX_DEPTH = 64;
const XML = 'http://www.w3.org/XML/1998/namespace';
const XMLNS = 'http://www.w3.org/2000/xmlns/';

export class XmlError extends Error {
  constructor(message, text, at) {
    const before = text.slice(0, at);
    super(`${message} at line ${before.split('\n').length}, column ${at - before.lastIndexOf('\n')}`);
  }
}

// An element: `attributes` by "{namespace}name", `children` the elements in it,
// `text` all character data directly in it.
class Element {
  constructor(qName, scope, at) {
    this.qName = qName;
    this.scope = scope;
    this.at = at;
    this.attributes = new Map();
    this.children = [];
    this.text = '';
  }

  attribute(namespace, name) {
    return this.attributes.get(`{${namespace}}${name}`);
  }

  // The {namespace, name} that a prefixed name in an attribute's value means.
  resolve(qName) {
    const [prefix, name] = qName.includes(':') ? qName.split(':', 2) : ['', qName];
    return { namespace: this.scope.get(prefix), name };
  }
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  fail(message, at = this.at) {
    throw new XmlError(message, this.text, at);
  }

  take(literal) {
    if (!this.text.startsWith(literal, this.at)) return false;
    this.at += literal.length;
    return true;
  }

  blanks() {
    const from = this.at;
    while (' \t\r\n'.includes(this.text[this.at]) && this.at < this.text.length) this.at++;
    return this.at > from;
  }

  name() {
    NAME.lastIndex = this.at;
    const found = NAME.exec(this.text);
    if (!found) this.fail('a name is expected');
    this.at = NAME.lastIndex;
    return found[0];
  }

  until(mark, what) {
    const end = this.text.indexOf(mark, this.at);
    if (end < 0) this.fail(`${what} is not closed`);
    const inner = this.text.slice(this.at, end);
    this.at = end + mark.length;
    return inner;
  }

  comment() {
    const from = this.at;
    if (this.until('-->', 'a comment').includes('--')) this.fail('"--" in a comment', from);
  }

  // Character data or an attribute's value with its references resolved.
  decode(raw, from) {
    return raw.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+))?(;)?/g, (whole, decimal, hex, named, closed, offset) => {
      const place = from + offset;
      if (!closed) this.fail('"&" that begins no reference', place);
      if (named !== undefined) return ENTITIES[named] ?? this.fail(`the entity "${named}" was referenced, but not declared`, place);
      const code = decimal === undefined ? parseInt(hex, 16) : Number(decimal);
      const character = code <= 0x10ffff ? String.fromCodePoint(code) : '';
      if (character === '' || BAD_CHARACTER.test(character)) this.fail('a reference to a character that XML does not have', place);
      return character;
    });
  }

  // The attributes of a start tag as [name, value] pairs.
  attributes() {
    const list = [];
    for (;;) {
      const spaced = this.blanks();
      if (this.text[this.at] === '>' || this.text[this.at] === '/') return list;
      if (!spaced) this.fail('a blank is expected before an attribute');
      const name = this.name();
      this.blanks();
      if (!this.take('=')) this.fail('"=" is expected after an attribute\'s name');
      this.blanks();
      const quote = this.text[this.at++];
      if (quote !== '"' && quote !== "'") this.fail('an attribute\'s value must be quoted', this.at - 1);
      const from = this.at;
      const raw = this.until(quote, "an attribute's value");
      if (raw.includes('<')) this.fail('"<" in an attribute\'s value', from);
      if (list.some(([other]) => other === name)) this.fail(`attribute "${name}" was already specified`, from);
      list.push([name, this.decode(raw, from)]);
    }
  }

  // Namespace declarations of this tag on top of the outer ones.
  scopeOf(outer, attributes) {
    const declared = attributes.filter(([name]) => name === 'xmlns' || name.startsWith('xmlns:'));
    if (declared.length === 0) return outer;
    const scope = new Map(outer);
    for (const [name, uri] of declared) {
      if (name !== 'xmlns' && uri === '') this.fail(`prefix "${name.slice(6)}" is bound to nothing`);
      scope.set(name === 'xmlns' ? '' : name.slice(6), uri);
    }
    return scope;
  }

  expand(qName, scope, isAttribute) {
    if (!qName.includes(':')) return { namespace: isAttribute ? '' : scope.get('') ?? '', name: qName };
    const [prefix, name] = qName.split(':', 2);
    const namespace = scope.get(prefix);
    if (namespace === undefined) this.fail(`the prefix "${prefix}" for "${qName}" is not bound`);
    return { namespace, name };
  }

  startTag(outer) {
    const at = this.at - 1;
    const qName = this.name();
    const attributes = this.attributes();
    const scope = this.scopeOf(outer, attributes);
    const element = new Element(qName, scope, at);
    Object.assign(element, this.expand(qName, scope, false));
    for (const [name, value] of attributes) {
      if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
      const full = this.expand(name, scope, true);
      const key = `{${full.namespace}}${full.name}`;
      if (element.attributes.has(key)) this.fail(`attribute "${name}" was already specified`);
      element.attributes.set(key, value);
    }
    element.empty = this.take('/');
    if (!this.take('>')) this.fail('a start tag is not closed');
    return element;
  }

  characters(element, end) {
    const from = this.at;
    const raw = this.text.slice(from, end);
    if (raw.includes(']]>')) this.fail('"]]>" in character data', from);
    element.text += this.decode(raw, from);
    this.at = end;
  }

  endTag(open) {
    const name = this.name();
    this.blanks();
    if (!this.take('>')) this.fail('an end tag is not closed');
    if (name !== open.qName) this.fail(`the element type "${open.qName}" must be terminated by the matching end-tag "</${open.qName}>"`);
  }

  // Everything inside and after the root's start tag.
  tree(root) {
    const open = root.empty ? [] : [root];
    while (open.length) {
      const top = open[open.length - 1];
      const next = this.text.indexOf('<', this.at);
      if (next < 0) this.fail(`the element "${top.qName}" is not closed`);
      if (next > this.at) this.characters(top, next);
      this.at++;
      if (this.take('/')) {
        this.endTag(top);
        open.pop();
      } else if (this.take('!--')) this.comment();
      else if (this.take('![CDATA[')) top.text += this.until(']]>', 'a CDATA section');
      else if (this.text[this.at] === '!' || this.text[this.at] === '?') this.fail('neither DTD nor processing instruction is allowed here');
      else {
        const element = this.startTag(top.scope);
        top.children.push(element);
        if (open.length >= MAX_DEPTH) this.fail('elements are nested too deeply');
        if (!element.empty) open.push(element);
      }
    }
  }

  // Blanks and comments before and after the root.
  outside() {
    for (;;) {
      this.blanks();
      if (!this.take('<!--')) return;
      this.comment();
    }
  }

  document() {
    const bad = BAD_CHARACTER.exec(this.text);
    if (bad) this.fail('an invalid XML character', bad.index);
    DECLARATION.lastIndex = 0;
    const found = DECLARATION.exec(this.text);
    if (found) {
      const encoding = found[1] ?? found[2] ?? 'UTF-8';
      if (encoding.toUpperCase() !== 'UTF-8') this.fail(`the encoding "${encoding}" is not UTF-8`);
      this.at = DECLARATION.lastIndex;
    }
    this.outside();
    if (!this.take('<')) this.fail('content is not allowed in prolog');
    if (this.text[this.at] === '!' || this.text[this.at] === '?') this.fail('neither DTD nor processing instruction is allowed here');
    const root = this.startTag(new Map([['xml', XML], ['xmlns', XMLNS]]));
    this.tree(root);
    this.outside();
    if (this.at < this.text.length) this.fail('content is not allowed after the root element');
    return root;
  }
}

export function parseXml(text) {
  return new Reader(text).document();
}

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

export const escapeXml = (text) => String(text).replace(/[&<>"']/g, (character) => ESCAPES[character]);
