// Paging: page from 1, per_page without an upper bound, and the meta object.

const PER_PAGE = 100;

function positive(text, fallback) {
  const n = parseInt(text ?? '', 10);
  return n > 0 ? n : fallback;
}

export function wanted(query) {
  return { page: positive(query.get('page'), 1), perPage: positive(query.get('per_page'), PER_PAGE) };
}

export function meta({ page, perPage }, total) {
  const pages = Math.ceil(total / perPage);
  if (pages === 0) return { current_page: 0, next_page: null, prev_page: null, total_pages: 0, total_count: 0 };
  const outside = page > pages;
  return {
    current_page: page, next_page: outside || page === pages ? null : page + 1, prev_page: outside || page === 1 ? null : page - 1,
    total_pages: pages, total_count: total,
  };
}

// selection: { count, slice(position, n) }.
export function pageOf(name, selection, query, show, total = () => selection.count) {
  const at = wanted(query);
  const rows = selection.slice((at.page - 1) * at.perPage, at.perPage);
  return { status: 200, body: { [name]: rows.map(show), meta: meta(at, total(at)) } };
}
