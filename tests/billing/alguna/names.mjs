// The two ways to write a name: accountId and customer_id.

const RENAMED = { customer_id: 'accountId' };

function camelName(name) {
  return RENAMED[name] ?? name.replace(/_([a-z0-9])/g, (all, letter) => letter.toUpperCase());
}

export function camel(value) {
  if (Array.isArray(value)) return value.map(camel);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [camelName(name), camel(member)]));
}

export function snake(value) {
  if (Array.isArray(value)) return value.map(snake);
  if (value === null || typeof value !== 'object') return value;
  const named = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [named(name), snake(member)]));
}
