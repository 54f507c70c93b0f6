// Date literals of SOQL as half-open spans of milliseconds. The running user's
// time zone is GMT in this org.

const DAY = 24 * 3600 * 1000;

function startOfDay(ms) {
  return Math.floor(ms / DAY) * DAY;
}

function month(ms, shift) {
  const date = new Date(ms);
  return [Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + shift, 1), Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + shift + 1, 1)];
}

function year(ms, shift) {
  const now = new Date(ms).getUTCFullYear() + shift;
  return [Date.UTC(now, 0, 1), Date.UTC(now + 1, 0, 1)];
}

// Weeks start on Sunday, as in a United States locale.
function week(ms, shift) {
  const start = startOfDay(ms) - new Date(ms).getUTCDay() * DAY + shift * 7 * DAY;
  return [start, start + 7 * DAY];
}

// The span of a literal, or null when there is no literal of that name.
export function spanOf(name, n, now) {
  const today = startOfDay(now);
  if (n !== null) {
    switch (name) {
      case 'LAST_N_DAYS': return [today - n * DAY, today + DAY];
      case 'NEXT_N_DAYS': return [today + DAY, today + (n + 1) * DAY];
      case 'N_DAYS_AGO': return [today - n * DAY, today - (n - 1) * DAY];
      default: return null;
    }
  }
  switch (name) {
    case 'TODAY': return [today, today + DAY];
    case 'YESTERDAY': return [today - DAY, today];
    case 'TOMORROW': return [today + DAY, today + 2 * DAY];
    case 'LAST_WEEK': return week(now, -1);
    case 'THIS_WEEK': return week(now, 0);
    case 'NEXT_WEEK': return week(now, 1);
    case 'LAST_MONTH': return month(now, -1);
    case 'THIS_MONTH': return month(now, 0);
    case 'NEXT_MONTH': return month(now, 1);
    case 'LAST_90_DAYS': return [today - 90 * DAY, today + DAY];
    case 'NEXT_90_DAYS': return [today + DAY, today + 91 * DAY];
    case 'LAST_YEAR': return year(now, -1);
    case 'THIS_YEAR': return year(now, 0);
    case 'NEXT_YEAR': return year(now, 1);
    default: return null;
  }
}
