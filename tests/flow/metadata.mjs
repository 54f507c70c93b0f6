// An administrator at work in the Salesforce simulator's setup.
//
//   node metadata.mjs upsert|delete TYPE COMPONENT
//       COMPONENT: JSON, members in the order of the schema; for delete a full name
//
// Prints the verdict.  SF_URL in the environment; client credentials as lib.sh has them.

import { component, envelope, readAnswer } from '../crm/salesforce/testing-metadata.mjs';
import { escapeXml } from '../crm/salesforce/xml.mjs';

const base = process.env.SF_URL;

async function logIn() {
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'sim-client', client_secret: process.env.FLOW_SF_SECRET });
  const answer = await fetch(`${base}/services/oauth2/token`, { method: 'POST', body: form });
  return (await answer.json()).access_token;
}

const [verb, type, what] = process.argv.slice(2);
const body = verb === 'delete'
  ? `<deleteMetadata><type>${type}</type><fullNames>${escapeXml(what)}</fullNames></deleteMetadata>`
  : `<upsertMetadata>${component(type, JSON.parse(what))}</upsertMetadata>`;
const answer = await fetch(`${base}/services/Soap/m/67.0`, {
  method: 'POST', headers: { 'Content-Type': 'text/xml; charset=UTF-8', SOAPAction: '""' }, body: envelope(await logIn(), body) });
const { results, message } = readAnswer({ text: await answer.text() });
console.log(JSON.stringify(results?.[0] ?? message));
if (!results?.[0].success) process.exitCode = 1;
