// An org that has moved: its old host sends clients on, or knows nothing any
// more. Login stays where it is (Salesforce: Hosts; REST basics, redirects).

const GONE = '<html><head><title>Not Found</title></head><body>URL No Longer Exists</body></html>';

export const hostOf = (headers) => (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();

// The answer of the old host, or null where the request came to the right one.
export function movedAnswer(org, { headers, url }) {
  const { moved_from: from, moved_status: status } = org.settings.values;
  if (!from || hostOf(headers) !== from.toLowerCase()) return null;
  if (status === 404) return { status, text: GONE, kind: 'moved' };
  return { status, text: '', headers: { Location: `${org.oauth.instanceUrl()}${url}` }, kind: 'moved' };
}
