// Amounts are decimal text.  Sums are exact; places are kept.

function parsed(text) {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  return { units: BigInt(`${sign}${whole}${fraction}`), places: fraction.length };
}

function written(units, places) {
  const digits = String(units < 0n ? -units : units).padStart(places + 1, '0');
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return units < 0n ? `-${text}` : text;
}

export function plus(a, b) {
  const [x, y] = [parsed(a), parsed(b)];
  const places = Math.max(x.places, y.places);
  const scaled = ({ units, places: own }) => units * 10n ** BigInt(places - own);
  return written(scaled(x) + scaled(y), places);
}

export function minus(a, b) {
  return plus(a, b.startsWith('-') ? b.slice(1) : `-${b}`);
}

export function isPositive(text) {
  return parsed(text).units > 0n;
}

// So many hundredths as the currency writes them.
export function money(hundredths, currency) {
  return currency === 'JPY' ? String(Math.floor(hundredths / 100)) : written(BigInt(hundredths), 2);
}
