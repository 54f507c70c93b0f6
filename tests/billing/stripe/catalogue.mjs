// The products, prices and coupons of a generated world, and what a quantity
// of a price costs.

const SINCE = 1735689600; // 2025-01-01

const PRODUCTS = [
  ['team', 'Fernhill Team', 'seat'], ['support', 'Priority support', null], ['platform', 'Fernhill Platform', null],
  ['usage', 'API calls', 'call'], ['addon', 'Add-on', null],
];

const per = (unit) => ({ billing_scheme: 'per_unit', unit_amount: unit, unit_amount_decimal: String(unit) });
const tier = (upTo, unit, flat = null) => ({
  flat_amount: flat, flat_amount_decimal: flat === null ? null : String(flat), unit_amount: unit, unit_amount_decimal: String(unit), up_to: upTo,
});
const tiered = (mode, tiers) => ({ billing_scheme: 'tiered', tiers_mode: mode, tiers, unit_amount: null, unit_amount_decimal: null });

// name, product, currency, interval, count, money, usage
const PRICES = [
  ['team_month', 'team', 'usd', 'month', 1, per(1500)],
  ['team_year', 'team', 'usd', 'year', 1, per(15000)],
  ['team_quarter', 'team', 'usd', 'month', 3, per(4200)],
  ['team_graduated', 'team', 'usd', 'month', 1, tiered('graduated', [tier(10, 2000, 5000), tier(50, 1700), tier(null, 1500)])],
  ['team_volume', 'team', 'usd', 'month', 1, tiered('volume', [tier(20, 2000), tier(100, 1700), tier(null, 1500)])],
  ['support_month', 'support', 'usd', 'month', 1, per(9900)],
  ['usage_month', 'usage', 'usd', 'month', 1, { billing_scheme: 'per_unit', unit_amount: null, unit_amount_decimal: '1.25' }, 'metered'],
  ['platform_jpy', 'platform', 'jpy', 'year', 1, per(360000)],
  ['platform_kwd', 'platform', 'kwd', 'month', 1, tiered('graduated', [tier(5, 4500, 10000), tier(null, 3750)])],
  ...Array.from({ length: 12 }, (_, n) => [`addon_${n}`, 'addon', 'usd', 'month', 1, per(100 * (n + 1))]),
];

const COUPONS = [
  ['GENTEN', { percent_off: 10, duration: 'forever' }],
  ['GENRAMP', { percent_off: 25.5, duration: 'repeating', duration_in_months: 3 }],
  ['GENFIVE', { amount_off: 500, currency: 'usd', duration: 'forever' }],
];

export class Catalogue {
  constructor(seed, live) {
    const id = (prefix, name) => `${prefix}_G${seed}${name.replaceAll('_', '')}`;
    this.products = PRODUCTS.map(([name, text, unit]) => ({
      id: id('prod', name), object: 'product', active: true, created: SINCE, default_price: null, description: null, images: [],
      livemode: live, marketing_features: [], metadata: {}, name: text, package_dimensions: null, shippable: null,
      statement_descriptor: null, tax_code: null, tax_details: null, type: 'service', unit_label: unit, updated: SINCE, url: null,
    }));
    this.prices = new Map(PRICES.map(([name, product, currency, interval, count, money, usage = 'licensed']) => [name, {
      id: id('price', name), object: 'price', active: true, billing_scheme: money.billing_scheme, created: SINCE, currency,
      custom_unit_amount: null, livemode: live, lookup_key: name, metadata: {}, nickname: name.replaceAll('_', ' '),
      product: id('prod', product),
      recurring: { interval, interval_count: count, meter: usage === 'metered' ? id('mtr', name) : null, trial_period_days: null, usage_type: usage },
      tax_behavior: 'exclusive', tiers_mode: null, transform_quantity: null, type: 'recurring', ...money,
    }]));
    this.coupons = COUPONS.map(([name, terms]) => ({
      id: name, object: 'coupon', amount_off: null, created: SINCE, currency: null, duration_in_months: null, livemode: live,
      max_redemptions: null, metadata: {}, name, percent_off: null, redeem_by: null, times_redeemed: 1, valid: true, ...terms,
    }));
  }

  // As it stands inside an item: without tiers.
  inside(name) {
    const { tiers, ...price } = this.prices.get(name);
    return price;
  }
}

// What is billed for a quantity: [{quantity, unit, amount}], one for each tier and each flat fee.
export function charges(price, quantity) {
  if (price.recurring.usage_type === 'metered') return [];
  if (price.billing_scheme === 'per_unit') return [{ quantity, unit: price.unit_amount_decimal, amount: price.unit_amount * quantity }];
  if (price.tiers_mode === 'volume') {
    const fits = price.tiers.find(({ up_to: upTo }) => upTo === null || quantity <= upTo);
    return ofTier(fits, quantity);
  }
  const all = [];
  let from = 0;
  for (const one of price.tiers) {
    const upTo = one.up_to ?? Infinity;
    if (quantity > from) all.push(...ofTier(one, Math.min(quantity, upTo) - from));
    from = upTo;
  }
  return all;
}

function ofTier(one, quantity) {
  const rows = [{ quantity, unit: one.unit_amount_decimal, amount: one.unit_amount * quantity }];
  if (one.flat_amount !== null) rows.push({ quantity: 0, unit: one.flat_amount_decimal, amount: one.flat_amount });
  return rows;
}
