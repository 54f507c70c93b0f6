// SOAP answers and faults (Salesforce: Metadata, Wire). A fault is HTTP 500; a
// code of the service stands in the faultcode and again before the text.

import { escapeXml } from './xml.mjs';

export const METADATA = 'http://soap.sforce.com/2006/04/metadata';
export const SOAP = 'http://schemas.xmlsoap.org/soap/envelope/';
export const XSI = 'http://www.w3.org/2001/XMLSchema-instance';

const TYPE = { 'Content-Type': 'text/xml;charset=UTF-8' };

export class SoapFault extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// What the XML itself is refused for.
export const clientFault = (message) => new SoapFault('soapenv:Client', message);

export const misplaced = (node, typeName) =>
  clientFault(`Element {${node.namespace}}${node.name} invalid at this location in type ${typeName}`);

export const faultOf = (code, message) => new SoapFault(`sf:${code}`, `${code}: ${message}`);

// One component's refusal: a result among others, not a fault.
export class ComponentError extends Error {
  constructor(code, message, fields = []) {
    super(message);
    this.code = code;
    this.fields = fields;
  }
}

export const element = (name, content) => `<${name}>${content}</${name}>`;
export const textElement = (name, value) => element(name, escapeXml(value));

const envelope = (body) => `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="${SOAP}" xmlns="${METADATA}" `
  + `xmlns:sf="${METADATA}" xmlns:xsi="${XSI}"><soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`;

export const soapAnswer = (operation, results) => ({
  status: 200, headers: TYPE, text: envelope(element(`${operation}Response`, results.join(''))) });

export function soapFault({ code, message }) {
  const detail = code.startsWith('sf:')
    ? element('detail', element('sf:fault', textElement('sf:exceptionCode', code.slice(3))
      + textElement('sf:exceptionMessage', message.slice(code.length - 1)))) : '';
  return { status: 500, headers: TYPE,
    text: envelope(element('soapenv:Fault', textElement('faultcode', code) + textElement('faultstring', message) + detail)) };
}

function errorElement({ code, message, fields }) {
  return element('errors', fields.map((field) => textElement('fields', field)).join('')
    + textElement('message', message) + textElement('statusCode', code));
}

// Keys in the order of the vendor's schema; `created` only where it is known.
export function saveResult({ fullName, created, error }) {
  return element('result', (created === undefined ? '' : textElement('created', created))
    + (error ? errorElement(error) : '') + textElement('fullName', fullName) + textElement('success', !error));
}
